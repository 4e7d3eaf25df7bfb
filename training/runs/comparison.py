"""Two runs of a model compared on the rows that both have answered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from training.report.words import metric_name
from training.runs.changes import Changes, Shared, changes
from training.runs.differences import Difference, differences
from training.runs.errors import Incomparable
from training.runs.matching import Matched, match
from training.runs.paired import Paired, Side, paired
from training.runs.questions import Question, question_of
from training.runs.rows import Answered, Rows
from training.runs.rows_file import read_rows
from training.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class HeadComparison:
    """How the answers of a head compare; the main one has no *name*.

    *values* are the metrics on all test rows of each run, as recorded. Without *matched* and *tested*, *why_not* says
    why. *worse* are the rows that the second run answers worse than the first, *better* those that it answers better.
    """

    name: str
    metric: str
    unit: str
    higher_is_better: bool
    of_classes: bool
    values: tuple[float | None, float | None]
    rows: tuple[int, int]
    matched: Matched | None = None
    tested: Paired | None = None
    why_not: str = ""
    worse: Changes | None = None
    better: Changes | None = None


@dataclass(frozen=True)
class Comparison:
    """Two runs, how they compare by head, and what they were given that differs."""

    runs: tuple[Run, Run]
    heads: Sequence[HeadComparison]
    differences: Mapping[str, Sequence[Difference]]

    @property
    def main(self) -> HeadComparison:
        """The head whose metric decides."""
        return self.heads[0]


def compare(first: Run, second: Run, most: int) -> Comparison:
    """Compare two runs, with at most so many changes of each kind. Raises Incomparable and UnreadableRun."""
    if first.model != second.model:
        raise Incomparable(f"{first.model} and {second.model} are different models: expected two runs of one")
    if first.problem != second.problem:
        raise Incomparable(
            f"{first.model}: the runs answer different questions, {metric_name(first.problem)} and "
            f"{metric_name(second.problem)}: only runs of one type of problem can be compared"
        )
    kept = read_rows(first.folder), read_rows(second.folder)
    return Comparison((first, second), list(_heads(first, second, kept, most)), differences(first, second))


def _heads(first: Run, second: Run, kept: tuple[Rows | None, Rows | None], most: int) -> Iterator[HeadComparison]:
    for name in first.heads:
        if name not in second.heads or first.heads[name]["problem"] != second.heads[name]["problem"]:
            continue  # another question: `differences` tells of heads that only one has
        of_heads = first.heads[name], second.heads[name]
        questions = question_of(of_heads[0]), question_of(of_heads[1])
        metric = of_heads[0]["metric"]
        told = HeadComparison(
            name=name,
            metric=metric,
            unit=of_heads[0]["unit"],
            higher_is_better=of_heads[0]["higher_is_better"],
            of_classes=bool(of_heads[0]["labels"]),
            values=(of_heads[0]["test"].get(metric), of_heads[1]["test"].get(metric)),
            rows=(of_heads[0]["test"]["rows"], of_heads[1]["test"]["rows"]),
        )
        yield _tested(told, (first, second), questions, kept, most)


def _tested(
    told: HeadComparison,
    runs: tuple[Run, Run],
    questions: tuple[Question | None, Question | None],
    kept: tuple[Rows | None, Rows | None],
    most: int,
) -> HeadComparison:
    without = [f"{run.name} {run.without_rows}" for run, rows in zip(runs, kept, strict=True) if rows is None]
    if without:
        return replace(told, why_not=" and ".join(without))
    first, second, (asked, also) = kept[0], kept[1], questions
    if first is None or second is None or asked is None or also is None:
        return replace(told, why_not="their type of problem is not one of Plumbline's")
    columns = first.heads[_column(first, told.name)], second.heads[_column(second, told.name)]
    for question, answered, run in zip((asked, also), columns, runs, strict=True):
        of_head = run.heads[told.name]
        if not question.fits(answered, of_head["test"].get(of_head["metric"]), of_head["test"]["rows"]):
            return replace(told, why_not=f"the rows of {run.name} don't give the metric that its metrics.json has")
    matched = match(_keys(asked, first, columns[0]), _keys(also, second, columns[1]))
    if not len(matched):
        return replace(told, matched=matched, why_not="no test row of one is a test row of the other")
    # By the first run's measure, if they have different ones; of tags, each has its own thresholds.
    judged = also.problem if also.problem.metric == told.metric else asked.problem
    sides = (
        Side(asked.problem, columns[0].targets[matched.first], columns[0].scores[matched.first]),
        Side(judged, columns[1].targets[matched.second], columns[1].scores[matched.second]),
    )
    shared = Shared((asked, also), (first, second), columns, sides, matched)
    worse, better = (changes(shared, loser, most) for loser in (1, 0))
    return replace(told, matched=matched, tested=paired(*sides), worse=worse, better=better)


def _column(rows: Rows, head: str) -> str:
    """Return the name that a head has in the rows, where the main one of several has its own."""
    return head if head in rows.heads else next(iter(rows.heads))


def _keys(question: Question, rows: Rows, answered: Answered) -> list[tuple[str, str]]:
    return [(digest, question.target(answered, place)) for place, digest in enumerate(rows.digests)]
