"""Metrics of training runs, for Prometheus."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from serving.contract import Contract
from serving.process.exit_codes import ExitCode
from serving.process.textfile import Textfile, Values
from training.errors import TrainingError
from training.jobs.exits import exit_code

_MEASURES = ("metric", "baseline_metric")
TEXTFILE = Textfile(
    "plumbline_training",
    {
        "last_run_timestamp_seconds": "When the last run ended.",
        "last_success_timestamp_seconds": "When the last successful run ended.",
        "duration_seconds": "How long the last run took.",
        "exit_code": "The last run's exit code.",
        "published_version": "The version that was published last.",
        "metric": "The metric of the last trained model on the test rows.",
        "baseline_metric": "The same metric of the naive baseline.",
    },
    dict.fromkeys(_MEASURES, ("metric",)),
)


class CannotWriteMetrics(TrainingError):
    """The metrics file can't be written, or contains something else."""

    def __init__(self, path: Path | None, cause: Exception) -> None:
        super().__init__(f"--metrics-file {path}: {cause}")


class Run:
    """What a run has produced so far."""

    def __init__(self) -> None:
        self.contract: Contract | None = None
        self.version: int | None = None

    def trained(self, contract: Contract) -> None:
        """Record the contract of the trained model."""
        self.contract = contract

    def published(self, folder: Path) -> None:
        """Record the new version by its *folder*, whose name is the version number."""
        self.version = int(folder.name)


@contextlib.contextmanager
def recording_metrics(path: Path | None, model: str) -> Iterator[Run]:
    """Write to *path*, if given, how the run in the block ended; the block records in the Run what it produced.

    The file keeps its values of other models, and those of this model for which the run produced nothing new.
    Raises CannotWriteMetrics, before the run where possible.
    """
    values, started = _read(path), time.time()
    run, code = Run(), ExitCode.UNEXPECTED
    try:
        yield run
        code = ExitCode.DONE
    except BaseException as error:
        code = exit_code(error)
        raise
    finally:
        if path:
            now = time.time()
            values["last_run_timestamp_seconds", model] = now
            values["duration_seconds", model] = now - started
            values["exit_code", model] = code
            if code == ExitCode.DONE:
                values["last_success_timestamp_seconds", model] = now
            if run.version is not None:
                values["published_version", model] = run.version
            if run.contract:
                _set_measures(values, model, run.contract)
            _write(path, values)


def _set_measures(values: Values, model: str, contract: Contract) -> None:
    evaluation: Any = contract.evaluation
    metric = evaluation["metric"]
    for gauge, part in zip(_MEASURES, ("test", "baseline"), strict=True):
        for key in [key for key in values if key[:2] == (gauge, model)]:
            del values[key]
        values[gauge, model, metric] = evaluation[part][metric]


def _read(path: Path | None) -> Values:
    try:
        return TEXTFILE.read(path) if path else {}
    except (OSError, ValueError) as error:
        raise CannotWriteMetrics(path, error) from error


def _write(path: Path, values: Values) -> None:
    try:
        TEXTFILE.write(path, values)
    except OSError as error:
        raise CannotWriteMetrics(path, error) from error
