"""What a comparison comes to, in sentences."""

from collections.abc import Iterator

from training.report.words import figure_of, metric_name
from training.runs.changes import Changes
from training.runs.comparison import Comparison, HeadComparison
from training.runs.paired import MIN_ROWS, Interval, Paired

LETTERS = ("A", "B")


def verdict(compared: Comparison) -> str:
    """Return which run is better, or that the data can't tell."""
    head = compared.main
    names, tested = metric_name(head.metric), head.tested
    if tested is None:
        values = " and ".join(
            f"{letter} {figure_of(value)} on {rows:,} rows"
            for letter, value, rows in zip(LETTERS, head.values, head.rows, strict=True)
        )
        return f"Nothing tells which is better: {head.why_not}. Each on its own test rows, {names} is {values}."
    sentence = _sentence(names, tested)
    if not tested.better and _only_seeds_differ(compared):
        sentence += " They differ in the seed alone, so this is what seeds make."
    if any(run.document["data"]["sample"] for run in compared.runs):
        sentence += " The data are the built-in sample, which is made up: that says nothing of real data."
    return sentence


def _sentence(metric: str, tested: Paired) -> str:
    first, second = (figure_of(value) for value in tested.values)
    if tested.better:
        winner, value, other = ("A", first, second) if tested.better == 1 else ("B", second, first)
        return (
            f"{winner} is better: {metric} {value} instead of {other} on the same {tested.rows:,} rows, more than "
            f"chance explains ({_chance(tested)})."
        )
    if not tested.difference and not tested.only_first:
        return f"Neither is better: on the same {tested.rows:,} rows both have {metric} {first}."
    return (
        f"These {tested.rows:,} rows can't tell which is better: {metric} is {first} of A and {second} of B, and "
        f"chance explains such a difference ({_chance(tested)})."
    )


def _chance(tested: Paired) -> str:
    if tested.by_test:
        return f"McNemar's exact test, p = {tested.p:.2g}"
    if tested.difference_interval is None:
        return f"fewer than {MIN_ROWS} rows tell nothing"
    return f"the 95 % interval of the difference is {between(tested.difference_interval)}"


def told_of_rows(head: HeadComparison) -> Iterator[str]:
    """Yield sentences on which rows were compared, and how they were found."""
    matched = head.matched
    if matched is None:
        return
    yield (
        f"{len(matched):,} test rows are in both, matched by a digest of their instances and by their targets"
        + (", wherever they stand." if len(matched) else ".")
    )
    if matched.only_first or matched.only_second:
        yield (
            f"{matched.only_first:,} rows are in A alone, {matched.only_second:,} in B alone: the data, the split, or "
            "how many rows are kept has changed. They are left out."
        )
    if matched.relabelled:
        yield f"{matched.relabelled:,} instances are in both with another target: they are left out too."


def title(head: HeadComparison) -> str:
    """Return what is measured of a head."""
    unit = f" ({head.unit})" if head.unit else ""
    of_head = f" of {head.name}" if head.name else ""
    return f"{metric_name(head.metric)}{unit}{of_head}: {'higher' if head.higher_is_better else 'lower'} is better"


def mcnemar(tested: Paired) -> Iterator[str]:
    """Yield what McNemar's test says, if answers are right or wrong."""
    if tested.p is not None:
        yield (
            f"{_rows(tested.only_first)} {'is' if tested.only_first == 1 else 'are'} right in A alone, "
            f"{_rows(tested.only_second)} in B alone: McNemar's exact test gives p = {tested.p:.2g}."
        )


def changes_title(head: HeadComparison, changes: Changes, worse: bool) -> str:
    """Return what the changes are, how many, and how many of them are shown."""
    if head.of_classes:
        what = "From right in A to wrong in B" if worse else "From wrong in A to right in B"
    else:
        what = "Farther from the truth in B" if worse else "Nearer to the truth in B"
    name = f"{head.name}: " if head.name else ""
    shown = f", the {len(changes.worst)} with the largest change" if len(changes.worst) < changes.count else ""
    return f"{name}{what}: {_rows(changes.count)}{shown}"


def between(interval: Interval) -> str:
    """Return an interval in words."""
    return f"{figure_of(interval[0])} to {figure_of(interval[1])}"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _only_seeds_differ(compared: Comparison) -> bool:
    return [each.name for group in compared.differences.values() for each in group] == ["seed"]
