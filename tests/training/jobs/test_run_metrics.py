import re
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.contracts import text_contract
from training.commands.train import train
from training.errors import BadRequest, ExitCode
from training.jobs.exits import reporting_errors
from training.jobs.run_metrics import recording_metrics

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"


def samples(path: Path) -> dict[str, float]:
    """Return values by name, followed by the labels' values."""
    return {
        " ".join([sample.name.removeprefix("plumbline_training_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(path.read_text("utf-8"))
        for sample in family.samples
    }


def test_a_real_run_writes_the_metrics_in_its_contract(tmp_path: Path) -> None:
    path = tmp_path / "house.prom"
    folders = ["--models-dir", str(tmp_path / "models"), "--reports-dir", str(tmp_path / "reports")]
    options = ["--sample", "--recipe", "baseline", "--protocol", "holdout", "--metrics-file", str(path)]
    done = CliRunner().invoke(train, ["house_price", *options, *folders])
    assert done.exit_code == 0, done.output
    text = path.read_text("utf-8")
    values = samples(path)
    assert f"test {values['metric mae house_price']:.4f}" in done.output
    assert f"baseline {values['baseline_metric mae house_price']:.4f}" in done.output
    assert values["exit_code house_price"] == 0
    assert values["published_version house_price"] == 1
    assert 0 < values["duration_seconds house_price"] < 600
    assert values["last_run_timestamp_seconds house_price"] == values["last_success_timestamp_seconds house_price"]
    documented = DOCS.read_text("utf-8").partition("## Training")[2].partition("## Batch")[0]
    assert re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE) == re.findall(
        r"^\| `(\w+)` \| gauge", documented, re.MULTILINE
    )


def test_a_failure_keeps_when_the_last_run_succeeded(tmp_path: Path) -> None:
    path = tmp_path / "a.prom"
    with recording_metrics(path, "sentiment") as run:
        run.trained(text_contract())
        run.published(Path("models/sentiment/3"))
    before = samples(path)
    for error, code in ((BadRequest("x"), ExitCode.BAD_INPUT), (ZeroDivisionError(), 1)):
        with pytest.raises(type(error)), recording_metrics(path, "sentiment"):
            raise error
        after = samples(path)
        assert after["exit_code sentiment"] == code
        assert after["last_run_timestamp_seconds sentiment"] >= before["last_run_timestamp_seconds sentiment"]
        kept = ("last_success_timestamp_seconds sentiment", "metric accuracy sentiment", "published_version sentiment")
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_a_stop_is_recorded_with_the_code_for_another_try(tmp_path: Path) -> None:
    with pytest.raises(SystemExit), reporting_errors(), recording_metrics(tmp_path / "a.prom", "sentiment"):
        signal.raise_signal(signal.SIGTERM)

    assert samples(tmp_path / "a.prom")["exit_code sentiment"] == ExitCode.RETRY


def test_models_may_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.prom"
    with recording_metrics(path, "sentiment"):
        pass
    with pytest.raises(BadRequest), recording_metrics(path, "topic"):
        raise BadRequest("x")
    values = samples(path)
    assert values["exit_code sentiment"] == 0
    assert values["exit_code topic"] == ExitCode.BAD_INPUT
    assert "last_success_timestamp_seconds topic" not in values


def test_no_file_no_metrics() -> None:
    with recording_metrics(None, "sentiment") as run:
        run.trained(text_contract())


def test_a_file_that_can_not_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.prom").write_text("<html>")
    for path in (tmp_path / "a.prom", tmp_path / "a.prom" / "b.prom"):
        done = CliRunner().invoke(train, ["house_price", "--sample", "--recipe", "nope", "--metrics-file", str(path)])
        assert done.exit_code == ExitCode.BAD_INPUT
        assert f"--metrics-file {path}" in done.output
