"""What is asked: which problem the target columns make, and their values as training takes them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from training.declarations.columns import Column
from training.declarations.words import listed, quoted
from training.errors import BadRequest

MOST_CLASSES = 1_000
_FEW_NUMBERS = 10
"""So many different whole numbers are classes, if there are five rows or more of each on average."""
_TRUTHS = {False, True}


def label_of(value: Any) -> str:
    """Return the label that a target value has in answers: 3 for 3.0, true for True."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.strip() if isinstance(value, str) else str(value)


def problem_of(columns: Sequence[Column]) -> str:
    """Return the name of the problem that *columns* make. Raises BadRequest, with why they make none."""
    return _problem_of_one(columns[0]) if len(columns) == 1 else _problem_of_several(columns)


def _problem_of_several(columns: Sequence[Column]) -> str:
    if all(set(column.counts) <= _TRUTHS and column.present for column in columns):
        return "multilabel"
    if all(column.type == "numbers" for column in columns):
        return "values"
    raise BadRequest(
        f"target: expected several columns of 0 and 1 (tags), or of numbers; {listed(map(_described, columns))}"
    )


def _described(column: Column) -> str:
    return f"{quoted(column.name)} has {column.type}"


def _problem_of_one(column: Column) -> str:
    refuse = f"target {quoted(column.name)}: expected classes or numbers, got "
    if not column.present:
        raise BadRequest(f"{refuse}a column without any value")
    if column.type == "lists":
        if all(isinstance(item, str) for value in column.present for item in value):
            return "multilabel"
        raise BadRequest(f"{refuse}lists that are not lists of names")
    if len(column.counts) == 1:
        raise BadRequest(f"{refuse}the same value in every row: {quoted(next(iter(column.counts)))}")
    if column.type == "numbers" and not _are_classes(column):
        return "regression"
    if column.type not in ("numbers", "texts", "truths"):
        raise BadRequest(f"{refuse}{column.type}")
    classes = len({label_of(value) for value in column.counts})
    if classes > min(MOST_CLASSES, max(2, len(column.present) // 2)):
        raise BadRequest(f"{refuse}{classes:,} different texts in {len(column.present):,} rows")
    return "binary" if classes == 2 else "multiclass"


def _are_classes(column: Column) -> bool:
    different = len(column.counts)
    whole = all(float(value).is_integer() for value in column.counts)
    return whole and (different == 2 or (different <= _FEW_NUMBERS and different * 5 <= len(column.present)))


def labels_of(column: Column) -> tuple[str, ...]:
    """Return the labels in order: numbers by size, truths with the positive one last, texts by the alphabet."""
    if column.type == "lists":
        return tuple(sorted({item for value in column.present for item in value}))
    return tuple(dict.fromkeys(label_of(value) for value in sorted(column.counts)))


def balance(column: Column) -> Counter[str]:
    """Return the number of rows of each label."""
    if column.type == "lists":
        return Counter(item for value in column.present for item in value)
    return Counter(label_of(value) for value in column.present)
