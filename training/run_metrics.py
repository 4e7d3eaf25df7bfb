"""How training runs went, in a file for Prometheus: the node exporter's textfile collector reads it.

A file rather than a Pushgateway: it needs no further service, and what a job that was killed wrote before stays true.
docs/metrics.md lists the metrics.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile
from prometheus_client.parser import text_string_to_metric_families

from serving.contract import Contract
from serving.exit_codes import ExitCode
from training.ending import exit_code
from training.errors import TrainingError

_PREFIX = "plumbline_training"
_GAUGES = {
    "last_run_timestamp_seconds": "When the last run ended.",
    "last_success_timestamp_seconds": "When the last run that succeeded did.",
    "duration_seconds": "How long the last run took.",
    "exit_code": "The last run's exit code.",
    "metric": "The last trained model's measure on the test rows.",
    "baseline_metric": "The same measure of the naive baseline.",
}
_MEASURES = ("metric", "baseline_metric")
_Values = dict[tuple[str, ...], float]


class CannotWriteMetrics(TrainingError):
    """The file of metrics can't be written, or is something else."""

    def __init__(self, path: Path, cause: Exception) -> None:
        super().__init__(f"--metrics-file {path}: {cause}")


@contextlib.contextmanager
def telling_metrics(path: Path | None, model: str) -> Iterator[Callable[[Contract], None]]:
    """Write to *path*, if there is one, how the run in the block ended; the block passes on what it has trained.

    What the file says of other models stays, and of this one what the run brought nothing new for. Raises
    CannotWriteMetrics, before the run if that can be known.
    """
    values, started = _read(path), time.time()
    trained: list[Contract] = []
    code = ExitCode.UNEXPECTED
    try:
        yield trained.append
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
            if trained:
                _set_measures(values, model, trained[-1])
            _write(path, values)


def _set_measures(values: _Values, model: str, contract: Contract) -> None:
    evaluation: Any = contract.evaluation
    metric = evaluation["metric"]
    for gauge, part in zip(_MEASURES, ("test", "baseline"), strict=True):
        for key in [key for key in values if key[:2] == (gauge, model)]:
            del values[key]
        values[gauge, model, metric] = evaluation[part][metric]


def _read(path: Path | None) -> _Values:
    """Read what an earlier run wrote: name, model and perhaps measure -> value."""
    if path is None or not path.exists():
        return {}
    try:
        return {
            (sample.name.removeprefix(f"{_PREFIX}_"), *(sample.labels[label] for label in _labels(sample.name))): float(
                sample.value
            )
            for family in text_string_to_metric_families(path.read_text("utf-8"))
            for sample in family.samples
            if sample.name.removeprefix(f"{_PREFIX}_") in _GAUGES
        }
    except (OSError, ValueError, KeyError) as error:
        raise CannotWriteMetrics(path, error) from error


def _write(path: Path, values: _Values) -> None:
    registry = CollectorRegistry()
    gauges = {
        name: Gauge(f"{_PREFIX}_{name}", text, _labels(name), registry=registry) for name, text in _GAUGES.items()
    }
    for (name, *labels), value in values.items():
        gauges[name].labels(*labels).set(value)
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise CannotWriteMetrics(path, error) from error


def _labels(name: str) -> tuple[str, ...]:
    return ("model", "metric") if name.endswith("metric") else ("model",)
