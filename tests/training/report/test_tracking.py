import pytest

from tests.training.report import records
from training.errors import BadRequest
from training.report import tracking
from training.report.tracking import is_tracking, log_run


def test_a_run_is_logged_with_settings_measures_curves_and_report(tmp_path, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a server would take seconds to start
    report = tmp_path / "report"
    report.mkdir()
    (report / "report.html").write_text("the report")
    record = records.binary()

    assert is_tracking()
    assert log_run(record, report).startswith("MLflow run ")
    (run,) = mlflow.search_runs(experiment_names=[record.model], output_format="list")
    assert run.data.params["recipe"] == record.recipe
    assert run.data.params["data_sha256"] == record.data_sha256
    assert run.data.metrics["test_accuracy"] == pytest.approx(
        record.problem.measure(record.test_targets, record.test_scores)
    )
    client = mlflow.MlflowClient()
    losses = [loss for stage in record.final.values() for loss in stage["loss"]]
    assert [each.value for each in client.get_metric_history(run.info.run_id, "loss")] == pytest.approx(losses)
    assert [each.path for each in client.list_artifacts(run.info.run_id)] == ["report.html"]


def test_a_server_that_is_away_loses_no_model(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    assert log_run(records.binary(), tmp_path).startswith("not logged in MLflow: ")


def test_a_run_without_validation_has_the_measures_of_the_test_rows_only():
    assert {name.partition("_")[0] for name in tracking._measures(records.binary(folds=()))} == {"test"}


def test_without_the_variable_nothing_is_logged(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    assert not is_tracking()


def test_a_missing_package_is_named_before_anything_is_trained(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(BadRequest, match="pip install 'plumbline\\[mlflow\\]'"):
        is_tracking()
