"""What Prometheus learns of a run: its end, and how it went if it succeeded."""

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
        "rows": "Rows that the last run which succeeded gave an answer.",
        "rejected_rows": "Rows that the last run which succeeded rejected.",
        "duration_seconds": "How long the last run took that succeeded.",
        "rows_per_second": "Rows a second of the last run that succeeded.",
        "last_success_timestamp_seconds": "When a run last succeeded.",
        "last_run_timestamp_seconds": "When a run last ended, however it did.",
    },
)
_TOLD = {
    "rows": "rows",
    "rejected_rows": "rejected",
    "duration_seconds": "seconds",
    "rows_per_second": "rows_per_second",
}
"""Gauges by what the summary calls them."""


@contextlib.contextmanager
def telling_metrics(path: Path | None, model: str | None) -> Iterator[dict[str, Any]]:
    """Write to *path*, if there is one, how the run in the block ended; the block fills in its summary.

    What the file has of other models, and of successes, stays. Raises BadInput, before the run if that can be known.
    """
    told: dict[str, Any] = {}
    with _refusing(path):
        values = TEXTFILE.read(path) if path else {}
    try:
        yield told
    finally:
        name = told.get("model", model)
        if path and name and not told.get("finished_before"):
            now = time.time()
            values |= {(gauge, name): float(told[key]) for gauge, key in _TOLD.items() if key in told}
            values["last_run_timestamp_seconds", name] = now
            if told:
                values["last_success_timestamp_seconds", name] = now
            with _refusing(path):
                TEXTFILE.write(path, values)


@contextlib.contextmanager
def _refusing(path: Path | None) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise BadInput(f"--metrics-file {path}: {error}") from error
