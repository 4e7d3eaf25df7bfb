"""Learning curves of several folds on one axis of epochs, and where overfitting begins.

Stages follow one another. For all folds, a stage begins after the last epoch of the longest previous one, so that
epochs stay comparable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.experiments.record import Stages

Line = tuple[np.ndarray, np.ndarray]
"""Epochs (from 1, over all stages), and their values."""


@dataclass(frozen=True)
class Span:
    """A stage's position on the axis: it begins after epoch *start* and lasts *epochs* epochs."""

    stage: str
    start: int
    epochs: int


@dataclass(frozen=True)
class Onset:
    """The *epoch* of a stage (from 1) with the folds' lowest mean validation *loss*; *position* is over all stages.

    *begins* is whether overfitting begins there; otherwise the loss was still falling when the stage ended.
    """

    stage: str
    epoch: int
    epochs: int
    loss: float
    position: int
    begins: bool


def spans(runs: Sequence[Stages]) -> tuple[Span, ...]:
    """Return the stages of all runs, one after the other."""
    laid: list[Span] = []
    for stage in dict.fromkeys(name for run in runs for name in run):
        epochs = max(_epochs(run, stage) for run in runs)
        laid.append(Span(stage, laid[-1].start + laid[-1].epochs if laid else 0, epochs))
    return tuple(laid)


def line(run: Stages, span: Span, key: str) -> Line:
    """Return *key* of one run and stage; empty if the run has none."""
    values = np.asarray(run.get(span.stage, {}).get(key, ()), np.float64)
    return span.start + 1 + np.arange(len(values)), values


def mean_line(runs: Sequence[Stages], span: Span, key: str) -> Line:
    """Return the mean of *key* over the runs, up to the last epoch that all of them reached before they stopped."""
    found = [values for _, values in (line(run, span, key) for run in runs) if len(values)]
    epochs = min(map(len, found), default=0)
    values = np.mean([values[:epochs] for values in found], axis=0) if epochs else np.empty(0)
    return span.start + 1 + np.arange(epochs), values


def lowest(losses: np.ndarray | Sequence[float]) -> int:
    """Return the index of the lowest loss; NaN counts as the highest."""
    return int(np.argmin(np.nan_to_num(losses, nan=np.inf)))


def onsets(runs: Sequence[Stages]) -> tuple[Onset, ...]:
    """Return the lowest mean validation loss of each stage that was validated."""
    found = []
    for span in spans(runs):
        positions, losses = mean_line(runs, span, "val_loss")
        if not np.isfinite(losses).any():
            continue
        best = lowest(losses)
        begins = best + 1 < len(losses)
        found.append(Onset(span.stage, best + 1, len(losses), float(losses[best]), int(positions[best]), begins))
    return tuple(found)


def _epochs(run: Stages, stage: str) -> int:
    return max(map(len, run.get(stage, {}).values()), default=0)
