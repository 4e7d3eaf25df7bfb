import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.catalog import LiveModel, ModelState, Refusal
from serving.catalog.weights import shares_of
from serving.contract import Contract, Measures
from serving.contract.arrays import Array
from serving.contract.differences import Difference
from serving.monitoring.gateway_metrics import UNKNOWN, Metrics
from serving.monitoring.scrape import MAX_VERSIONS
from serving.prediction.predictor import STAGES, Prediction
from serving.tfserving.version_status import VersionState, VersionStatus
from tests.serving.contracts import image_contract, tabular_contract, text_contract, with_reference
from tests.serving.fake_model_server import wait_until

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"


def exposed(metrics: Metrics) -> str:
    return metrics.exposition().decode()


def prediction(model: str, version: int, count: int = 1) -> Prediction:
    answers = image_contract().answers
    return Prediction(model, version, [{"label": "5"}] * count, dict.fromkeys(STAGES, 0.25), answers)


def state(contract: Contract, version: int = 1) -> ModelState:
    live = LiveModel(contract.model, version, contract, b"")
    statuses = (VersionStatus(version, VersionState.AVAILABLE),)
    return ModelState({version: live}, problem="", listed=frozenset({version}), statuses=statuses)


def beside(inputs: Measures, contract: Contract, scores: Array) -> Measures:
    return Measures.side_by_side([inputs, contract.answers.measured({"scores": scores})])


@pytest.fixture
def used() -> Metrics:
    """Metrics that all have a value."""
    metrics = Metrics(None, {"sentiment": {2: 5.0}})
    metrics.weighed(shares_of({"sentiment": {2: 5.0}}), True)
    contract = with_reference(text_contract())
    metrics.refreshed("sentiment", state(contract))
    features, inputs = contract.record.measured(contract.decode([{"text": "a very good film"}] * 400))
    measures = beside(inputs, contract, features["ids"][:, :1] * 0.7)
    stages = dict.fromkeys(STAGES, 0.25)
    metrics.predicted(
        Prediction("sentiment", 1, [{"label": "positive"}], stages, contract.answers, contract.reference, measures)
    )
    table = with_reference(tabular_contract(missing="mean"))
    metrics.refreshed("house_price", state(table))
    features, inputs = table.record.measured(table.decode([{"age": 900.0}]))
    measures = beside(inputs, table, features["features"][:, :1])
    metrics.predicted(Prediction("house_price", 1, [{"value": 1.0}], stages, table.answers, table.reference, measures))
    metrics.answered("sentiment", 1, 200, 0.1)
    metrics.answered("sentiment", 1, 503, 0.1)
    metrics.waiting("sentiment", 1)
    metrics.shed("sentiment")
    metrics.left_out_of_log("overloaded", "sentiment")
    metrics.connected({"idle": 1})
    metrics.refused_connection("request_timeout")
    metrics.rpc("sentiment", "Predict", "OK", 0.1)
    metrics.retried("sentiment", "apart")
    metrics.called("sentiment", 1, 1)
    metrics.shadows.compared("sentiment", 2, [Difference(True, 0.5)], 0.1, 0.1)
    metrics.answered_feedback("sentiment", 202)
    metrics.fed_back("sentiment", 1)
    metrics.answered_explanation("sentiment", 200)
    metrics.explained("sentiment", 0.1, 32)
    metrics.captured("sentiment", 1)
    metrics.capture_dropped("sentiment", "queue", 1)
    return metrics


def test_the_documentation_lists_what_is_exposed(used: Metrics) -> None:
    gateway = DOCS.read_text("utf-8").partition("## Training")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", gateway, re.MULTILINE)
    documented = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    told = {}
    for family in text_string_to_metric_families(exposed(used)):
        if not family.name.endswith("_created"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for sample in family.samples for label in sample.labels}
            told[name] = (family.type, labels - {"le"})
    assert told == documented


def test_names_follow_prometheus_conventions(used: Metrics) -> None:
    for family in text_string_to_metric_families(exposed(used)):
        assert family.name.startswith("plumbline_gateway_")
        assert not re.search(r"_(ms|milliseconds|percent|count)(_|$)", family.name)
        assert family.documentation


def test_two_gateways_in_one_process_count_apart() -> None:
    one, other = Metrics(None), Metrics(None)
    one.answered(UNKNOWN, None, 404, 0.1)
    assert 'requests_total{code="404",model="unknown",version="none"} 1.0' in exposed(one)
    assert 'code="404"' not in exposed(other)


def test_a_prediction_is_counted_by_instance_label_and_stage() -> None:
    metrics = Metrics(None)
    metrics.predicted(prediction("digits", 1, 3))
    text = exposed(metrics)
    assert 'request_instances_sum{model="digits"} 3.0' in text
    assert 'predictions_total{label="5",model="digits",version="1"} 3.0' in text
    for stage in (*STAGES, "rpc"):
        assert f'stage_seconds_sum{{model="digits",stage="{stage}"}} 0.25' in text


def test_versions_are_told_apart() -> None:
    metrics = Metrics(None)
    for version, code in ((3, 200), (4, 502), (3, 200)):
        metrics.answered("digits", version, code, 0.25)
    text = exposed(metrics)
    assert 'request_seconds_count{model="digits",version="3"} 2.0' in text
    assert 'requests_total{code="502",model="digits",version="4"} 1.0' in text


def test_only_the_newest_versions_are_told() -> None:
    metrics = Metrics(None)
    for version in range(1, MAX_VERSIONS + 3):
        metrics.answered("digits", version, 200, 0.1)
    metrics.answered("digits", None, 404, 0.1)
    versions = set(re.findall(r'requests_total\{code="\d+",model="digits",version="(\w+)"', exposed(metrics)))
    assert versions == {"none", *(str(version) for version in range(3, MAX_VERSIONS + 3))}


def test_calls_and_the_requests_that_shared_them_are_counted() -> None:
    metrics = Metrics(None)
    metrics.called("digits", 1, 1)
    metrics.called("digits", 5, 9)
    text = exposed(metrics)
    assert 'batch_requests_count{model="digits"} 2.0' in text
    assert 'batch_requests_sum{model="digits"} 6.0' in text
    assert 'batch_instances_sum{model="digits"} 10.0' in text


def test_a_model_without_a_live_version_shows_zero() -> None:
    metrics = Metrics(None)
    metrics.refreshed("digits", ModelState())
    text = exposed(metrics)
    assert 'live_version{model="digits"} 0.0' in text
    assert 'desired_version{model="digits"} 0.0' in text
    assert 'model_ready{model="digits"} 0.0' in text


def test_a_refused_version_is_desired_and_its_parity_failures_count_once_a_check() -> None:
    metrics = Metrics(None)
    ours = state(text_contract())
    first, again = (Refusal("off by 0.2", retry_at, "parity") for retry_at in (1, 2))
    for refusal in (first, first, again, Refusal("no contract", 3, "contract")):
        refused = ModelState(ours.live, {2: refusal}, "", listed=frozenset({1, 2}))
        metrics.refreshed("sentiment", refused)
    text = exposed(metrics)
    assert 'live_version{model="sentiment"} 1.0' in text
    assert 'desired_version{model="sentiment"} 2.0' in text
    assert 'refused_versions{model="sentiment"} 1.0' in text
    assert 'parity_failures_total{model="sentiment"} 2.0' in text


def test_values_outside_trainings_range_and_missing_ones_are_counted(used: Metrics) -> None:
    text = exposed(used)
    assert 'outside_range_total{feature="age",model="house_price",version="1"} 1.0' in text
    assert 'missing_values_total{feature="rooms",model="house_price",version="1"} 1.0' in text
    assert 'outside_range_total{feature="rooms"' not in text


def statuses(**states: str) -> ModelState:
    """Versions as the model server tells of them: v3="available"."""
    return ModelState(statuses=tuple(VersionStatus(int(name[1:]), VersionState(it)) for name, it in states.items()))


def told_states(metrics: Metrics) -> set[tuple[str, str]]:
    found = re.findall(r'version_state\{model="digits",state="(\w+)",version="(\d+)"\} 1.0', exposed(metrics))
    return {(version, state) for state, version in found}


def test_states_on_the_model_server_are_told_and_vanish_with_their_versions() -> None:
    metrics = Metrics(None)
    metrics.refreshed("digits", statuses(v1="ended", v2="available", v3="loading"))
    assert told_states(metrics) == {("1", "ended"), ("2", "available"), ("3", "loading")}

    metrics.refreshed("digits", statuses(v2="ended", v3="available", v4="failed"))
    assert told_states(metrics) == {("2", "ended"), ("3", "available"), ("4", "failed")}
    text = exposed(metrics)
    assert 'available_version{model="digits"} 3.0' in text
    assert 'failed_versions{model="digits"} 1.0' in text

    metrics.refreshed("digits", ModelState(problem="the model server is not available"))
    assert told_states(metrics) == set()


def test_a_failed_version_counts_while_it_is_one_of_those_that_are_to_be_loaded() -> None:
    metrics = Metrics(None)
    for newer, count in (({}, 1), ({"v5": "available"}, 1), ({"v5": "available", "v6": "available"}, 0)):
        metrics.refreshed("digits", statuses(v3="available", v4="failed", **newer))
        assert f'failed_versions{{model="digits"}} {count}.0' in exposed(metrics)


def test_the_states_of_few_versions_are_told_however_many_the_model_server_remembers() -> None:
    metrics = Metrics(None)
    metrics.refreshed("digits", statuses(**{f"v{number}": "ended" for number in range(1, 500)}))
    assert told_states(metrics) == {(str(number), "ended") for number in range(500 - MAX_VERSIONS, 500)}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus")
def test_prometheus_own_lint_finds_nothing(used: Metrics) -> None:
    command = ["promtool", "check", "metrics", "--extended"]
    done = subprocess.run(command, input=used.exposition(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stdout.decode()


def test_a_thread_counts_what_requests_queue_and_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics(None)
    count, counts = metrics._count, iter([ValueError("a bug")])

    def fail_once() -> None:
        if error := next(counts, None):
            raise error
        count()

    monkeypatch.setattr(metrics, "_count", fail_once)
    metrics.start()
    metrics.predicted(prediction("digits", 1, 3))
    series = {"model": "digits"}
    wait_until(lambda: metrics._registry.get_sample_value("plumbline_gateway_request_instances_sum", series) == 3)
    metrics.close()
