import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.catalog import LiveModel, ModelState
from serving.contract import Contract, Measures
from serving.monitoring import watch
from serving.monitoring.gateway_metrics import Metrics
from serving.prediction.predictor import STAGES, Prediction
from tests.serving.contracts import tabular_contract, text_contract, with_reference

PREFIX = "plumbline_gateway_"
ROOT = Path(__file__).parents[3]
WORKER = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.serving.monitoring.test_watch import CONTRACT, admitted, predicted
metrics = admitted(Path(sys.argv[1]), CONTRACT)
if sys.argv[2:]:
    predicted(metrics, CONTRACT, int(sys.argv[2]), float(sys.argv[3]))
print(metrics.exposition().decode())
"""
CONTRACT = with_reference(tabular_contract(), 2000)


def admitted(folder: Path | None, contract: Contract) -> Metrics:
    metrics = Metrics(folder)
    live = LiveModel(contract.model, 1, contract, b"")
    metrics.refreshed(contract.model, ModelState({1: live}, problem=""))
    return metrics


def predicted(metrics: Metrics, contract: Contract, count: int, rooms: float) -> None:
    """Answer *count* houses: half as training had them, half with so many *rooms*."""
    houses = [{"rooms": rooms if number % 2 else 5.0, "age": 80.0 if number % 2 else 30.0} for number in range(count)]
    outputs = {"scores": np.array([contract.examples[number % 2].outputs["scores"] for number in range(count)])}
    _, inputs = contract.record.measured(contract.decode(houses))
    measures = Measures.side_by_side([inputs, contract.answers.measured(outputs)])
    answers = contract.answers.make(outputs)
    stages = dict.fromkeys(STAGES, 0.001)
    metrics.predicted(Prediction(contract.model, 1, answers, stages, contract.answers, contract.reference, measures))


def told(metrics: Metrics) -> dict[str, float]:
    """Samples by name, feature and bin."""
    return {
        " ".join(
            [sample.name.removeprefix(PREFIX), *(sample.labels.get(it, "") for it in ("feature", "bin"))]
        ).strip(): (sample.value)
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def test_counts_by_bin_add_up_to_the_instances() -> None:
    metrics = admitted(None, CONTRACT)
    predicted(metrics, CONTRACT, 300, 7.5)
    values = told(metrics)
    assert values["feature_instances_total rooms 5"] == values["feature_instances_total rooms +Inf"] == 150
    assert values["reference_ratio rooms 5"] == 0.5
    assert values["drift_window_ratio rooms 5"] == values["drift_window_ratio rooms +Inf"] == 0.5
    assert values["drift_window_instances"] == 300
    assert values["drift_psi rooms"] == 0
    assert values["drift_ks rooms"] == 0


def test_drift_is_told_of_the_feature_that_drifts() -> None:
    metrics = admitted(None, CONTRACT)
    predicted(metrics, CONTRACT, 300, 2.0)
    values = told(metrics)
    assert values["drift_psi rooms"] > 1
    assert values["drift_ks rooms"] == 0.5
    assert values["drift_window_ratio rooms 5"] == 1
    assert values["drift_psi age"] == values["drift_psi value"] == 0
    assert values["outside_range_total rooms"] == 150


def test_too_small_a_window_tells_no_drift() -> None:
    metrics = admitted(None, CONTRACT)
    predicted(metrics, CONTRACT, 20, 2.0)
    values = told(metrics)
    assert values["drift_window_instances"] == 20
    assert not [name for name in values if name.startswith(("drift_psi", "drift_ks"))]


def test_a_model_without_a_reference_counts_labels_only() -> None:
    contract = text_contract()
    metrics = admitted(None, contract)
    answers = contract.answers.make({"scores": np.array([[0.9]], np.float32)})
    metrics.predicted(Prediction("sentiment", 1, answers, dict.fromkeys(STAGES, 0.001), contract.answers))
    text = metrics.exposition().decode()
    assert 'predictions_total{label="positive",model="sentiment",version="1"} 1.0' in text
    assert 'feature="' not in text


def test_a_version_that_went_has_no_drift_any_more() -> None:
    metrics = admitted(None, CONTRACT)
    predicted(metrics, CONTRACT, 300, 2.0)
    metrics.refreshed(CONTRACT.model, ModelState())
    values = told(metrics)
    assert not [name for name in values if name.startswith(("drift", "reference"))]
    assert values["feature_instances_total rooms 5"] == 300


def test_a_window_moves_on_and_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(watch.time, "time", lambda: now[0])
    metrics = admitted(None, CONTRACT)
    told(metrics)
    seen = []
    for rooms in (2.0, 2.0, 7.5, 7.5, 7.5):
        predicted(metrics, CONTRACT, 600, rooms)
        now[0] += watch.WINDOW_SECONDS * 0.6
        values = told(metrics)
        seen.append((values["drift_window_instances"], values["drift_psi rooms"] > 0.25))
    assert seen == [(600, True), (600, True), (600, False), (600, False), (600, False)]


def test_a_window_of_few_instances_waits_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(watch.time, "time", lambda: now[0])
    metrics = admitted(None, CONTRACT)
    told(metrics)
    seen = []
    for _ in range(20):
        predicted(metrics, CONTRACT, 100, 7.5)
        now[0] += watch.WINDOW_SECONDS
        seen.append(told(metrics)["drift_window_instances"])
    assert seen[:5] == [100, 200, 300, 400, 500]
    assert max(seen) <= watch.WINDOW_ROWS + 200
    assert min(seen[5:]) >= watch.WINDOW_ROWS / 2


def test_a_versions_number_that_comes_again_with_another_contract_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(watch.time, "time", lambda: now[0])
    metrics = admitted(None, CONTRACT)
    for _ in range(3):
        predicted(metrics, CONTRACT, 1000, 7.5)
        told(metrics)
        now[0] += watch.WINDOW_SECONDS
    houses = [{"rooms": 50.0, "age": 9.0}, {"rooms": 70.0, "age": 19.0}]
    examples = [replace(example, instance=house) for example, house in zip(CONTRACT.examples, houses, strict=True)]
    other = with_reference(replace(CONTRACT, examples=tuple(examples)))
    live = LiveModel(other.model, 1, other, b"")
    metrics.refreshed(other.model, ModelState({1: live}, problem=""))
    predicted(metrics, other, 300, 7.5)
    values = told(metrics)
    assert values["drift_window_instances"] >= 300
    assert values["drift_psi age"] > 0.25


def test_workers_windows_are_one_whoever_is_asked(tmp_path: Path) -> None:
    """Drift of the sum: each worker alone has too few, and one of them has none."""

    def worker(*arguments: str) -> str:
        command = [sys.executable, "-c", WORKER, str(tmp_path), *arguments]
        environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        done = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True)
        return done.stdout

    for count, rooms in (("60", "2"), ("60", "2"), ("60", "2"), ("4", "7.5")):
        worker(count, rooms)
    text = worker()
    assert f'{PREFIX}drift_window_instances{{model="house_price",version="1"}} 184.0' in text
    (psi,) = [line for line in text.splitlines() if line.startswith(f'{PREFIX}drift_psi{{feature="rooms"')]
    assert float(psi.split()[-1]) > 1
    assert [*json.loads((tmp_path / "drift-windows.json").read_text())] == ["house_price 1"]
