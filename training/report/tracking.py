"""Logs a run's measures and report in MLflow, if MLFLOW_TRACKING_URI names a server."""

import importlib.util
import os
from pathlib import Path

from serving.process.masking import masked
from training.errors import BadRequest
from training.experiments.record import RunRecord
from training.report.curves import line, spans
from training.report.results import evaluate
from training.report.tables import flattened

SERVER = "MLFLOW_TRACKING_URI"
HTTP_LIMITS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "20", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
"""MLflow's own limits would delay a finished job for many minutes if the server is unavailable."""


def is_tracking() -> bool:
    """Return whether runs are logged. Raises BadRequest if they should be, but MLflow is not installed."""
    if not os.environ.get(SERVER):
        return False
    if importlib.util.find_spec("mlflow") is None:
        raise BadRequest(f"{SERVER} is set, but MLflow is not installed: pip install 'plumbline[mlflow]', or unset it")
    return True


def log_run(record: RunRecord, report: Path) -> str:
    """Log settings, measures, curves and the folder *report*. Return the run's id, or why there is none, in words."""
    for variable, value in HTTP_LIMITS.items():
        os.environ.setdefault(variable, value)
    import mlflow

    try:
        mlflow.set_experiment(record.model)
        with mlflow.start_run(run_name=f"{record.recipe}, seed {record.seed}") as run:
            mlflow.log_params(_params(record))
            mlflow.log_metrics(_measures(record))
            for span in spans([record.final]):
                for key in record.final[span.stage]:
                    for epoch, value in zip(*line(record.final, span, key), strict=True):
                        mlflow.log_metric(key, float(value), step=int(epoch))
            mlflow.log_artifacts(str(report))
    except (mlflow.MlflowException, OSError) as error:  # the model is trained, and must not be lost because of this
        return f"not logged in MLflow: {masked(str(error))}"
    return f"MLflow run {run.info.run_id}"


def _params(record: RunRecord) -> dict[str, object]:
    run = {"recipe": record.recipe, "data": record.data, "data_sha256": record.data_sha256, "seed": record.seed}
    return run | flattened(record.settings)


def _measures(record: RunRecord) -> dict[str, float]:
    tested = {f"test_{name}": value for name, value in evaluate(record).measures.items()}
    validated = record.validation
    if not len(validated):
        return tested
    return tested | {
        f"validation_{record.metric}": float(validated.mean()),
        "validation_spread": float(validated.std()),
    }
