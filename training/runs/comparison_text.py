"""A comparison of two runs as text for a terminal."""

import textwrap
from collections.abc import Iterator

from training.report.exhibits import Exhibit
from training.report.words import figure_of, moment
from training.runs.changes import Change, Changes
from training.runs.comparison import Comparison, HeadComparison
from training.runs.listing import columns, validated
from training.runs.sentences import LETTERS, between, changes_title, mcnemar, title, told_of_rows, verdict

_WIDTH = 100
"""Instances and values are cut to a line of this length."""


def as_text(compared: Comparison) -> str:
    """Return all of it, and the verdict in the last line."""
    return "\n".join([*_head(compared), *_differences(compared), *_changed(compared), "", verdict(compared)])


def _head(compared: Comparison) -> Iterator[str]:
    for letter, run in zip(LETTERS, compared.runs, strict=True):
        told = f"{run.outcome}, recipe {run.recipe}, seed {run.seed}, {moment(run.ended)}"
        yield f"{letter}  {run.model} {run.name}: {told}"
    for head in compared.heads:
        yield ""
        yield title(head)
        yield columns([*_values(head), *([] if head.name else [_validation(compared)])])
        yield from told_of_rows(head)
        if head.tested:
            yield from mcnemar(head.tested)
        elif head.why_not:
            yield f"Not compared row by row: {head.why_not}."


def _values(head: HeadComparison) -> Iterator[tuple[str, ...]]:
    yield ("", *LETTERS, "B - A")
    first, second = (f"{figure_of(value)} on {rows:,} rows" for value, rows in zip(head.values, head.rows, strict=True))
    yield ("test", first, second, "")
    if tested := head.tested:
        of_each = zip((*tested.values, tested.difference), (*tested.intervals, tested.difference_interval), strict=True)
        yield ("same rows", *(figure_of(value) + (f" ({between(at)})" if at else "") for value, at in of_each))


def _validation(compared: Comparison) -> tuple[str, ...]:
    return ("validation", *map(validated, compared.runs), "")


def _differences(compared: Comparison) -> Iterator[str]:
    yield ""
    yield "What differs, A and B"
    for group, differing in compared.differences.items():
        if not differing:
            yield f"  {group}: nothing"
        for each in differing:
            yield f"  {group}: {each.name}: {_short(each.first)} -> {_short(each.second)}"


def _changed(compared: Comparison) -> Iterator[str]:
    for head in compared.heads:
        for changes, worse in ((head.worse, True), (head.better, False)):
            if changes is not None:
                yield ""
                yield changes_title(head, changes, worse)
                yield from _listed(changes)


def _listed(changes: Changes) -> Iterator[str]:
    for change in changes.worst:
        yield f"  {_row(change)}: true {change.true}; A {change.answers[0]}; B {change.answers[1]}"
        if change.shown:
            yield f"    {_short(_instance(change.shown))}"


def _row(change: Change) -> str:
    first, second = change.rows
    return f"row {first}" if first == second else f"row {first} of A, {second} of B"


def _instance(shown: Exhibit) -> str:
    fields = ", ".join(f"{name} {value}" for name, value in shown.fields.items())
    pictures = [f"picture {picture.name}" for picture in shown.images]
    return " ".join([*shown.texts.values(), *([fields] if fields else []), *pictures])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return textwrap.shorten(line, _WIDTH, placeholder=" …") if " " in line[:_WIDTH] else line[:_WIDTH]
