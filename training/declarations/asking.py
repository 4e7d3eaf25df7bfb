"""The question that a declaration asks: problem, head, labels, and the targets of all rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.contract.heads import Head, Labels, TagSet, Value, Values
from training.declarations.columns import Column
from training.declarations.declaration import TargetPart
from training.declarations.places import Source
from training.declarations.targets import label_of, labels_of, problem_of
from training.declarations.words import listed, meant, quoted
from training.errors import BadRequest
from training.problem_types import BINARY, MULTICLASS, MULTILABEL, STANDARDISED_REGRESSION, VALUES, Problem

MOST_SCORES = 10
"""So many labels are in an answer, at most."""
PROBLEMS: dict[str, Problem] = {
    "binary": BINARY,
    "multiclass": MULTICLASS,
    "multilabel": MULTILABEL,
    "regression": STANDARDISED_REGRESSION,
    "values": VALUES,
}


@dataclass(frozen=True, eq=False)
class Asked:
    """A problem, its head, the *labels* if any, and the targets of the rows that have one, which are *rows*.

    *naive* has scores for the test rows of a baseline that knows more than the training targets, by its name.
    """

    problem: Problem
    head: Head
    labels: tuple[str, ...]
    targets: np.ndarray
    rows: np.ndarray
    naive: Mapping[str, np.ndarray] = field(default_factory=dict)


def asked(source: Source, target: TargetPart, columns: Sequence[Column]) -> Asked:
    """Return what is asked about *columns*, those of the target. Raises BadRequest, with the place in the file."""
    rows = np.flatnonzero([all(column.values[row] is not None for column in columns) for row in _rows(columns)])
    present = [Column(it.name, it.type, [it.values[row] for row in rows.tolist()]) for it in columns]
    try:
        name = target.problem or problem_of(present)
    except BadRequest as error:
        source.refuse(["target"], str(error))
    _check_options(source, target, name)
    return _ASKED[name](source, target, name, present, rows)


def _rows(columns: Sequence[Column]) -> range:
    return range(len(columns[0].values))


def _check_options(source: Source, target: TargetPart, problem: str) -> None:
    classes = problem in ("binary", "multiclass", "multilabel")
    for option, fits in {"labels": classes, "unit": problem == "regression", "units": problem == "values"}.items():
        if getattr(target, option) and not fits:
            source.refuse(["target", option], f"is not for the problem {problem}")
    if len(target.names) > 1 and problem not in ("multilabel", "values"):
        source.refuse(["target", "columns"], f"expected one column for the problem {problem}, got {len(target.names)}")


def _classes(source: Source, target: TargetPart, name: str, columns: Sequence[Column], rows: np.ndarray) -> Asked:
    (column,) = columns
    if column.type == "lists":
        source.refuse(["target"], f"expected one label in each row for the problem {name}, got lists")
    labels = target.labels or labels_of(column)
    if name == "binary" and len(labels) != 2:
        source.refuse(["target", "labels"], f"expected two labels for the problem binary, got {listed(labels)}")
    if name == "multiclass" and len(labels) < 3:
        source.refuse(["target", "labels"], f"expected three labels or more, got {listed(labels)}: use binary for two")
    numbers = _numbered(source, column.name, labels, [[label_of(value)] for value in column.values])
    targets = np.array([number for (number,) in numbers], np.int64)
    return Asked(PROBLEMS[name], Labels(labels, min(len(labels), MOST_SCORES)), labels, targets, rows)


def _numbered(source: Source, name: str, labels: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[int]]:
    numbers = {label: number for number, label in enumerate(labels)}
    if len(numbers) < len(labels):
        source.refuse(["target", "labels"], "expected labels that differ from each other")
    for row in rows:
        for label in row:
            if label not in numbers:
                source.refuse(
                    ["target", "labels"], f"column {quoted(name)} has {quoted(label)}; {meant(label, labels)}"
                )
    return [[numbers[label] for label in row] for row in rows]


def _tags(source: Source, target: TargetPart, name: str, columns: Sequence[Column], rows: np.ndarray) -> Asked:
    if len(columns) == 1:
        (column,) = columns
        if column.type != "lists":
            source.refuse(["target"], f"expected lists of labels, or several columns of 0 and 1, got {column.type}")
        tagged = [[label_of(item) for item in value] for value in column.values]
        labels = target.labels or tuple(sorted({label for row in tagged for label in row}))
        targets = np.zeros((len(rows), len(labels)), np.int64)
        for row, numbers in enumerate(_numbered(source, column.name, labels, tagged)):
            targets[row, numbers] = 1
    else:
        labels = target.labels or target.names
        if len(labels) != len(columns):
            source.refuse(["target", "labels"], f"expected a label for each of {len(columns)} columns")
        for column in columns:
            if not set(column.counts) <= {0, 1}:
                source.refuse(["target", "columns"], f"expected 0 and 1 in column {quoted(column.name)}")
        targets = np.array([column.values for column in columns], np.int64).T
    if not labels:
        source.refuse(["target"], "expected labels, found none in any row")
    return Asked(MULTILABEL, TagSet(tuple(labels), (0.5,) * len(labels)), tuple(labels), targets, rows)


def _numbers(source: Source, target: TargetPart, name: str, columns: Sequence[Column], rows: np.ndarray) -> Asked:
    for column in columns:
        if column.type != "numbers":
            source.refuse(["target"], f"expected numbers in column {quoted(column.name)}, got {column.type}")
    if name == "regression":
        targets = np.array(columns[0].values, np.float32)
        return Asked(PROBLEMS[name], Value(target.unit), (), targets, rows)
    units = target.units or ("",) * len(columns)
    if len(columns) < 2 or len(units) != len(columns):
        source.refuse(["target", "units"], f"expected two columns or more, and a unit for each, got {listed(units)}")
    targets = np.array([column.values for column in columns], np.float32).T
    return Asked(PROBLEMS[name], Values(target.names, tuple(units)), (), targets, rows)


_ASKED: dict[str, Callable[..., Asked]] = {
    "binary": _classes,
    "multiclass": _classes,
    "multilabel": _tags,
    "regression": _numbers,
    "values": _numbers,
}
