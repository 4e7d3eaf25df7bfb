"""The rows that one of two runs answers better than the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.report.exhibits import Exhibit
from training.runs.costs import severities
from training.runs.matching import Matched
from training.runs.paired import Side
from training.runs.questions import Question
from training.runs.rows import Answered, Rows


@dataclass(frozen=True)
class Change:
    """A row that one run answers better: its number in each test part, its truth, and both answers.

    *loss* is how much worse the worse answer is. *shown* is the instance, if a run has kept it.
    """

    rows: tuple[int, int]
    true: str
    answers: tuple[str, str]
    loss: float
    shown: Exhibit | None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The worst ones of *count* changes."""

    count: int
    worst: Sequence[Change]


@dataclass(frozen=True, eq=False)
class Shared:
    """What two runs answered with one head, and the rows that both have: *sides* have these alone."""

    questions: tuple[Question, Question]
    rows: tuple[Rows, Rows]
    columns: tuple[Answered, Answered]
    sides: tuple[Side, Side]
    matched: Matched


def changes(shared: Shared, loser: int, most: int) -> Changes:
    """Return the rows that the run number *loser* answers worse than the other; of classes, those it alone has wrong.

    At most so many are told, those with the largest difference first.
    """
    losses = [severities(side.problem, side.targets, side.scores) for side in shared.sides]
    gaps = losses[loser] - losses[1 - loser]
    if shared.questions[0].is_of_classes:
        wrong = [side.costs() > 0 for side in shared.sides]
        gaps = np.where(wrong[loser] & ~wrong[1 - loser], gaps, 0.0)
    worst = [at for at in np.argsort(-gaps, kind="stable")[:most].tolist() if gaps[at] > 0]
    return Changes(count=int((gaps > 0).sum()), worst=[_change(shared, at, float(gaps[at])) for at in worst])


def _change(shared: Shared, at: int, loss: float) -> Change:
    first, second = int(shared.matched.first[at]), int(shared.matched.second[at])
    asked, also = shared.questions
    one, other = shared.rows
    return Change(
        rows=(int(one.numbers[first]), int(other.numbers[second])),
        true=asked.target(shared.columns[0], first),
        answers=(asked.answer(shared.columns[0], first), also.answer(shared.columns[1], second)),
        loss=loss,
        shown=one.shown.get(first) or other.shown.get(second),
    )
