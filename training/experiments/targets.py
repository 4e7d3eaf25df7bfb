"""Checks of the targets, before anything is trained: a class that does not exist would pass for another one."""

import numpy as np

from training.data.datasets import Dataset
from training.errors import BadRequest
from training.problem_types import BINARY, MULTICLASS, MULTILABEL, UNIT_REGRESSION, Problem


def check_targets(problem: Problem, width: int, data: Dataset) -> None:
    """Raise BadRequest for the first target that *problem* can't have, with its part and row.

    Of MULTICLASS, targets are the numbers of *width* classes; of BINARY and MULTILABEL 0 or 1; of UNIT_REGRESSION from
    0 to 1; of all others finite numbers.
    """
    for name, part in (("training", data.train), ("test", data.test)):
        targets = np.asarray(part.targets)
        if targets.dtype.kind not in "fiub":
            raise BadRequest(f"targets of the {name} rows: expected numbers, got {targets.dtype}")
        wrong = np.argwhere(~_allowed(problem, width, targets))
        if len(wrong):
            place = tuple(wrong[0].tolist())
            raise BadRequest(
                f"target of {name} row {place[0]}: expected {_expected(problem, width)}, got {targets[place]:g}"
            )


def _allowed(problem: Problem, width: int, targets: np.ndarray) -> np.ndarray:
    if problem == MULTICLASS:
        return np.asarray((targets >= 0) & (targets < width) & (targets == np.floor(targets)))
    if problem in (BINARY, MULTILABEL):
        return np.asarray(np.isin(targets, (0, 1)))
    if problem == UNIT_REGRESSION:
        return np.asarray((targets >= 0) & (targets <= 1))
    return np.asarray(np.isfinite(targets))


def _expected(problem: Problem, width: int) -> str:
    if problem == MULTICLASS:
        return f"a class from 0 to {width - 1}"
    if problem in (BINARY, MULTILABEL):
        return "0 or 1"
    return "a number from 0 to 1" if problem == UNIT_REGRESSION else "a finite number"
