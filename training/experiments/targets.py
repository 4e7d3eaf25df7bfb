"""Checks of the targets, before anything is trained: a class that does not exist would pass for another one."""

import numpy as np

from serving.contract.heads import HEADS, Head
from training.data.datasets import Dataset
from training.errors import BadRequest
from training.problem_types import Problem
from training.task import Question


def made_head(name: str, question: Question, data: Dataset) -> Head:
    """Return the head that *question* makes of *data*. Raises BadRequest, with the head's name, if it makes none."""
    try:
        head = question.output(data)
    except (ValueError, TypeError, AttributeError, LookupError) as error:  # the task's own code
        raise BadRequest(f"head '{name}': {type(error).__name__}: {error}") from error
    if not hasattr(head, "answers"):
        raise BadRequest(f"head '{name}': expected a head such as Labels(...) or Value(...), got {type(head).__name__}")
    return head


def check_head(name: str, problem: Problem, head: Head) -> None:
    """Raise BadRequest if the head called *name* can't answer *problem*; heads of packages are trusted."""
    expected = problem.answered_by
    if type(head) in HEADS.values() and not isinstance(head, expected):
        raise BadRequest(
            f"{name}: expected {expected.__name__} for the problem '{problem.name}', got {type(head).__name__}"
        )
    width = head.output.shape[1]
    if width not in problem.widths:
        advice = "MULTICLASS takes three labels or more, BINARY two"
        raise BadRequest(f"{name}: the problem '{problem.name}' can't have {width} scores: {advice}")


def check_targets(problem: Problem, width: int, data: Dataset, head: str) -> None:
    """Raise BadRequest for the first target of *head* that *problem* can't have, with its part and row.

    *width* is the number of the head's scores.
    """
    place = f" of '{head}'" if not isinstance(data.train.targets, np.ndarray) else ""
    for name, part in (("training", data.train), ("test", data.test)):
        targets = part.targets_of(head)
        if targets.dtype.kind not in "fiub":
            raise BadRequest(f"targets{place} of the {name} rows: expected numbers, got {targets.dtype}")
        _check_shape(f"targets{place} of the {name} rows", problem, width, targets, len(part))
        wrong = np.argwhere(~problem.allowed(width, targets))
        if len(wrong):
            index = tuple(wrong[0].tolist())
            raise BadRequest(
                f"target{place} of {name} row {index[0]}: expected {problem.expected(width)}, got {targets[index]:g}"
            )


def _check_shape(place: str, problem: Problem, width: int, targets: np.ndarray, rows: int) -> None:
    columns = problem.columns(width)
    expected = (rows, columns) if columns else (rows,)
    if targets.shape != expected:
        raise BadRequest(f"{place}: expected an array {list(expected)}, got {list(targets.shape)}")
