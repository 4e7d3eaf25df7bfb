"""Runs as rows of a table, and each as JSON."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.report.words import figure_of, metric_name, moment
from training.runs.errors import UnreadableRun
from training.runs.run import Run, read_run

_HEADER = ("MODEL", "RUN", "ENDED", "METRIC", "VALIDATION", "TEST", "RECIPE", "SEED", "DATA", "SECONDS", "OUTCOME")
_WIDTH = 48
"""Longer reasons are cut."""


@dataclass(frozen=True)
class Unread:
    """A run that can't be read, and why."""

    folder: Path
    problem: str


def read_all(folders: Iterable[Path]) -> list[Run | Unread]:
    """Read the runs; one that is damaged hides no other."""
    return [_read(folder) for folder in folders]


def as_table(runs: Sequence[Run | Unread]) -> str:
    """Return the runs as aligned columns."""
    return columns([_HEADER, *map(_row, runs)])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return *rows* as aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def as_json(run: Run | Unread) -> dict[str, Any]:
    """Return a run as JSON has it; `problem` is why it can't be read."""
    known = {"model": run.folder.parent.name, "run": run.folder.name, "folder": str(run.folder)}
    if isinstance(run, Unread):
        return known | {"problem": run.problem}
    return known | {
        "model": run.model,
        "ended": run.ended,
        "version": run.version,
        "outcome": run.outcome,
        "refused": run.why or None,
        "metric": run.metric,
        "higher_is_better": run.higher_is_better,
        "unit": run.unit,
        "test": run.value,
        "test_rows": run.rows,
        "validation": {"mean": run.mean, "spread": run.spread, "folds": run.folds},
        "recipe": run.recipe,
        "seed": run.seed,
        "data": run.data,
        "data_sha256": run.data_sha256,
        "seconds": run.seconds,
    }


def validated(run: Run) -> str:
    """Return the metric on validation rows with its spread over the folds, in words."""
    if run.mean is None or run.spread is None:
        return "not validated"
    spread = f" ± {figure_of(run.spread)}" if run.folds > 1 else ""
    return f"{figure_of(run.mean)}{spread}"


def _read(folder: Path) -> Run | Unread:
    try:
        return read_run(folder)
    except UnreadableRun as error:
        return Unread(folder, error.problem)


def _row(run: Run | Unread) -> tuple[str, ...]:
    if isinstance(run, Unread):
        told = f"unreadable: {textwrap.shorten(run.problem, _WIDTH, placeholder='…')}"
        return (run.folder.parent.name, run.folder.name, *["-"] * (len(_HEADER) - 3), told)
    why = f": {textwrap.shorten(run.why, _WIDTH, placeholder='…')}" if run.why else ""
    return (
        run.model,
        run.name,
        moment(run.ended),
        metric_name(run.metric) + (f" ({run.unit})" if run.unit else ""),
        validated(run),
        figure_of(run.value),
        run.recipe,
        str(run.seed),
        run.data,
        f"{run.seconds:.0f}",
        run.outcome + why,
    )
