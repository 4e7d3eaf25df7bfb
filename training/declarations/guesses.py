"""What is likely meant by a column: its kind as a field, or why it is better left out."""

import re
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from training.declarations.columns import Column
from training.declarations.nearly import doubt
from training.declarations.words import quoted

MOST_ONE_HOT = 50
"""Of more categories than this, ids and an embedding are made."""
MOST_CATEGORIES = 10_000
_RARE = 5
"""A category of fewer rows may be missing among the training rows, so that an unknown one must be allowed."""
_LEAST_VALUES = 3
_LOOKED_AT = 1_000
"""So many texts, and characters of each, are enough to see how they are written."""
_CODE = re.compile(
    r"(?i:(^|[_\W])(id|uuid|guid|index|idx|key|row|rownum|nr|no|number)$)|[a-z](Id|ID)$|^ID(?![A-Z])"
    r"|(?i:(account|article|case|client|customer|item|member|object|order|passenger|patient|person|product|user)id$)"
)
"""Names of identifiers; not paid, humid or idle."""
_WORDLESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3040-\u30ff\u3400-\u9fff\ua9e0-\ua9ff\uaa60-\uaadf"
    "\uf900-\ufaff\U00020000-\U000323af]"
)
"""Scripts that put no space between words: Han, kana, Thai, Lao, Myanmar, Khmer, Tai."""
_WORDLESS_SHARE = 0.3
"""From this share of the letters on, words can't be found by spaces."""
_PIECES = {"tokenizer": "hashed_ngrams", "shortest": 1, "longest": 3}
_LONGEST_PIECES = 6_000
"""So many pieces of a text are read at most, of some 2,000 characters."""
_HEAVY = 100
"""From this ratio of the greatest to the median number on, the logarithm tells more than the number."""


@dataclass(frozen=True)
class Guess:
    """The *kind* of a field with its *options* and a *remark*, or "" and why the column is left out."""

    kind: str
    remark: str
    options: Mapping[str, Any] = field(default_factory=dict)


def guess(column: Column) -> Guess:
    """Return what a column is likely meant to be."""
    if not column.name.strip():
        return _out("it has no name")
    try:
        column.name.encode()
    except UnicodeEncodeError:
        return _out("its name is not Unicode")
    if column.type == "nothing":
        return _out("it has no value")
    if len(column.counts) == 1 and column.type != "lists":
        return _constant(column)
    if len(column.present) < min(_LEAST_VALUES, len(column.values)):
        return _out(f"only {len(column.present)} of {len(column.values):,} rows have a value")
    return _BY_TYPE[column.type](column)


def looks_like_a_code(column: Column) -> bool:
    """Return whether the name is that of an identifier."""
    return bool(_CODE.search(column.name))


def _out(reason: str) -> Guess:
    return Guess("", reason)


def _constant(column: Column) -> Guess:
    (value,) = column.counts
    return _out(f"constant: {quoted(value)}" + (f" or missing ({column.gaps:,})" if column.gaps else " in every row"))


def _numbers(column: Column) -> Guess:
    values = column.present
    whole = all(float(value).is_integer() for value in values)
    unique = len(column.counts) == len(values) and not column.gaps
    consecutive = unique and whole and max(values) - min(values) == len(values) - 1
    if whole and unique and (looks_like_a_code(column) or (consecutive and values in _in_order(values))):
        return _out("identifier: another whole number in every row")
    if whole and looks_like_a_code(column) and len(column.counts) > MOST_ONE_HOT:
        return _out('identifier by its name; if it says which rows belong together, split by it: by = "group"')
    remark = f"{_short(min(values))} to {_short(max(values))}"
    low, middle, high = min(values), statistics.median(values), max(values)
    options = {"scale": "log"} if low >= 0 and middle > 0 and high > _HEAVY * middle else {}
    return Guess("number", remark, options)


def _in_order(values: list[Any]) -> tuple[list[Any], list[Any]]:
    return sorted(values), sorted(values, reverse=True)


def _short(number: float) -> str:
    return f"{number:.6g}"


def _truths(column: Column) -> Guess:
    return _category(column)


def _category(column: Column) -> Guess:
    options: dict[str, Any] = {}
    rare = sum(count < _RARE for count in column.counts.values())
    if rare:
        options["unknown"] = "bucket"
        if len(column.counts) > 20 and sum(count > 1 for count in column.counts.values()) > 1:
            options["least_count"] = 2
    if len(column.counts) > MOST_ONE_HOT:
        options["output"] = "id"
    return Guess("category", _most_frequent(column), options)


def _most_frequent(column: Column) -> str:
    first = ", ".join(f"{quoted(value, 30)} {count:,}" for value, count in column.counts.most_common(5))
    return first + (f", and {len(column.counts) - 5:,} others" if len(column.counts) > 5 else "")


def _dates(column: Column) -> Guess:
    remark = f"{quoted(min(column.present))} to {quoted(max(column.present))}"
    if not column.format:
        return Guess("date", remark)
    remark = f"such as {quoted(column.present[0])}; requests write dates as 2026-11-28"
    if column.other_format:
        remark += f"; could also be read as {column.other_format}"
    return Guess("date", remark, {"format": column.format})


def _lists(column: Column) -> Guess:
    items = [item for value in column.present for item in value]
    kinds = {type(item) for item in items if item is not None}
    if not kinds:
        return _out("its lists are empty")
    if kinds <= {str}:
        return _tags(column, items)
    if not (kinds <= {int, float} or kinds == {list}):
        return _out("lists of several types")
    lengths = sorted(len(value) for value in column.present)
    if kinds == {list} or lengths[0] == lengths[-1]:
        return Guess("array", f"{lengths[-1]} in each" if kinds != {list} else "nested lists")
    if kinds == {int} and len(set(items)) <= MOST_ONE_HOT:
        return _tags(column, items)
    length = max(1, int(np.quantile(lengths, 0.95, method="higher")))
    return Guess("array", f"{lengths[0]} to {lengths[-1]} numbers in each", {"length": length})


def _tags(column: Column, items: list[Any]) -> Guess:
    different = len(set(items))
    if different > MOST_CATEGORIES:
        return _out(f"lists of {different:,} different values")
    rare = {"unknown": "bucket"} if min(Counter(items).values()) < _RARE else {}
    return Guess("tags", f"{different:,} different", rare)


def _texts(column: Column) -> Guess:
    values, different = column.present, len(column.counts)
    share = different / len(values)
    characters = statistics.fmean(map(len, values))
    words = statistics.fmean(len(value.split()) for value in values)
    wordless = _is_wordless(values)
    proses = words >= 4 or characters >= 40 or (wordless and characters >= 6)
    if max(map(len, values)) > 1_000 or (proses and (share > 0.5 or different > 200)):
        return _prose(values, wordless)
    if delimiter := _delimiter(column):
        return Guess("tags", f"parts between {delimiter!r}; requests send lists", {"delimiter": delimiter})
    if share > 0.5 and different > 2:
        if words >= 2.5:
            return _prose(values, wordless)
        return _out(f"identifier: {different:,} different values in {len(values):,} rows{doubt(column)}")
    if different > MOST_CATEGORIES or (looks_like_a_code(column) and different > MOST_ONE_HOT):
        return _out(f"identifier: {different:,} different values; if it says which rows belong together, split by it")
    found = _category(column)
    return replace(found, remark=found.remark + doubt(column))


def _is_wordless(values: Sequence[str]) -> bool:
    letters = [letter for value in values[:_LOOKED_AT] for letter in value[:_LOOKED_AT] if letter.isalpha()]
    return len(_WORDLESS.findall("".join(letters))) > _WORDLESS_SHARE * len(letters)


def _prose(values: Sequence[str], wordless: bool) -> Guess:
    """Return a text: of words, or of pieces of one to three characters where no spaces separate words.

    There single characters say too little: the opposite of a word may have the same ones and one more.
    """
    characters = statistics.fmean(map(len, values))
    if not wordless:
        words = statistics.fmean(len(value.split()) for value in values)
        return Guess("text", f"{words:.0f} words, {characters:.0f} characters on average")
    lengths = [3 * (len(value) + 1) for value in values]
    length = {"length": min(_LONGEST_PIECES, int(np.quantile(lengths, 0.95, method="higher")))}
    return Guess("text", f"no spaces between words, {characters:.0f} characters on average", _PIECES | length)


def _delimiter(column: Column) -> str:
    """Return what stands between the tags of a cell, if they repeat more than the cells do."""
    for delimiter in ("|", ";"):
        parts = [part.strip() for value in column.present for part in value.split(delimiter)]
        has = sum(delimiter in value for value in column.present)
        if has > len(column.present) / 10 and len(set(parts)) < len(column.counts) and len(set(parts)) <= 200:
            return delimiter
    return ""


_BY_TYPE: dict[str, Callable[[Column], Guess]] = {
    "numbers": _numbers,
    "truths": _truths,
    "dates": _dates,
    "lists": _lists,
    "texts": _texts,
    "objects": lambda column: _out("nested objects"),
    "huge": lambda column: _out("numbers beyond 1e30 in size"),
    "mixed": lambda column: _out("values of several types"),
}
