"""The metrics of a run for Prometheus: when it ended and, if it succeeded, its figures."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from serving.batch.errors import BadInput
from serving.process.textfile import Textfile

TEXTFILE = Textfile(
    "plumbline_batch",
    {
        "rows": "Rows that the last successful run answered.",
        "rejected_rows": "Rows that the last successful run rejected.",
        "duration_seconds": "Duration of the last successful run.",
        "rows_per_second": "Rows per second of the last successful run.",
        "last_success_timestamp_seconds": "When a run last succeeded.",
        "last_run_timestamp_seconds": "When a run last ended, successfully or not.",
    },
)
_GAUGES = {
    "rows": "rows",
    "rejected_rows": "rejected",
    "duration_seconds": "seconds",
    "rows_per_second": "rows_per_second",
}
"""The summary's key for each gauge."""


@contextlib.contextmanager
def writing_metrics(path: Path | None, model: str | None) -> Iterator[dict[str, Any]]:
    """Write to *path*, if there is one, how the run in the block ended; the block fills in its summary.

    The file keeps the figures of other models, and of the last success. Raises BadInput, if possible before the run.
    """
    summary: dict[str, Any] = {}
    with _refusing(path):
        values = TEXTFILE.read(path) if path else {}
    try:
        yield summary
    finally:
        name = summary.get("model", model)
        if path and name and not summary.get("finished_before"):
            now = time.time()
            values |= {(gauge, name): float(summary[key]) for gauge, key in _GAUGES.items() if key in summary}
            values["last_run_timestamp_seconds", name] = now
            if summary:
                values["last_success_timestamp_seconds", name] = now
            with _refusing(path):
                TEXTFILE.write(path, values)


@contextlib.contextmanager
def _refusing(path: Path | None) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise BadInput(f"--metrics-file {path}: {error}") from error
