"""What Prometheus learns of runs: a file for the node exporter's textfile collector, or for a sidecar."""

import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile
from prometheus_client.parser import text_string_to_metric_families

from serving.batch.errors import BadInput

_PREFIX = "plumbline_batch"
_GAUGES = {
    f"{_PREFIX}_rows": "Rows that the last run which succeeded gave an answer.",
    f"{_PREFIX}_rejected_rows": "Rows that the last run which succeeded rejected.",
    f"{_PREFIX}_duration_seconds": "How long the last run took that succeeded.",
    f"{_PREFIX}_rows_per_second": "Rows a second of the last run that succeeded.",
    f"{_PREFIX}_last_success_timestamp_seconds": "When a run last succeeded.",
    f"{_PREFIX}_last_run_timestamp_seconds": "When a run last ended, however it did.",
}


def write_metrics(path: Path, model: str, values: dict[str, float], succeeded: bool) -> None:
    """Write what is known of *model*'s last run; what the file has of other models, and of successes, stays.

    *values* are by the gauges' names without their prefix. Raises BadInput if the file can't be written.
    """
    known = _read(path)
    now = time.time()
    for name, value in values.items():
        known[f"{_PREFIX}_{name}", model] = value
    known[f"{_PREFIX}_last_run_timestamp_seconds", model] = now
    if succeeded:
        known[f"{_PREFIX}_last_success_timestamp_seconds", model] = now
    registry = CollectorRegistry()
    gauges = {name: Gauge(name, text, ["model"], registry=registry) for name, text in _GAUGES.items()}
    for (name, labelled), value in known.items():
        if name in gauges:
            gauges[name].labels(labelled).set(value)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise BadInput(f"--metrics-file {path}: {error.strerror}") from error


def _read(path: Path) -> dict[tuple[str, str], float]:
    try:
        families = list(text_string_to_metric_families(path.read_text("utf-8")))
    except (OSError, ValueError):  # there is none yet, or it is not one of ours
        return {}
    samples = (sample for family in families for sample in family.samples)
    return {(sample.name, sample.labels["model"]): sample.value for sample in samples if "model" in sample.labels}
