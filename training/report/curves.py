"""Learning curves of several folds on one axis of epochs, and where overfitting begins.

Stages follow one another; a stage begins for all folds where it ends for the slowest, so that epochs stay comparable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.experiments.record import Stages

Line = tuple[np.ndarray, np.ndarray]
"""Epochs (from 1, over all stages) and values."""


@dataclass(frozen=True)
class Span:
    """A stage's place on the axis: it begins after epoch *start* and lasts *epochs*."""

    stage: str
    start: int
    epochs: int


@dataclass(frozen=True)
class Onset:
    """The epoch (from 1, of its stage) after which the folds' mean validation loss was not lower again.

    *begins* tells overfitting from a loss that was still falling when the stage ended.
    """

    stage: str
    epoch: int
    epochs: int
    loss: float
    position: int
    begins: bool


def spans(runs: Sequence[Stages]) -> tuple[Span, ...]:
    """Lay the stages of all runs one after the other."""
    laid: list[Span] = []
    for stage in dict.fromkeys(name for run in runs for name in run):
        epochs = max(_epochs(run, stage) for run in runs)
        laid.append(Span(stage, laid[-1].start + laid[-1].epochs if laid else 0, epochs))
    return tuple(laid)


def line(run: Stages, span: Span, key: str) -> Line:
    """Give *key* of one run and stage; empty if the run has none."""
    values = np.asarray(run.get(span.stage, {}).get(key, ()), np.float64)
    return span.start + 1 + np.arange(len(values)), values


def mean_line(runs: Sequence[Stages], span: Span, key: str) -> Line:
    """Average *key* over the runs, up to the last epoch that each of them reached: early stopping ends folds apart."""
    found = [values for _, values in (line(run, span, key) for run in runs) if len(values)]
    epochs = min(map(len, found), default=0)
    values = np.mean([values[:epochs] for values in found], axis=0) if epochs else np.empty(0)
    return span.start + 1 + np.arange(epochs), values


def lowest(losses: np.ndarray | Sequence[float]) -> int:
    """Give the index of the lowest loss; what is not a number counts as the highest."""
    return int(np.argmin(np.nan_to_num(losses, nan=np.inf)))


def onsets(runs: Sequence[Stages]) -> tuple[Onset, ...]:
    """Find the lowest mean validation loss of each stage that was validated."""
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
