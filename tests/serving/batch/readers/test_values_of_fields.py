"""What cells of CSV and Parquet say for each kind of field: the value, that it is missing, or what is wrong with it."""

import csv
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.batch.formats import open_source
from serving.batch.inputs.finding import find_inputs
from serving.batch.rows import find_columns
from serving.contract import Answers, Record
from serving.contract.encoders import Category, Date, Encoder, Number, NumberArray, Raw, Tags, Text
from serving.contract.heads import Value
from tests.serving.every_kind import make

NONE = None
MANY = [f"v{number}" for number in range(1500)]
NAN = float("nan")
NUMBER, CLOSED_NUMBER = Number.fit([1.0, None]), Number.fit([1.0, 2.0])
RARE_NA = Category.fit([*MANY, *MANY, "NA", None])  # more than a schema lists
CALLED_NAN, CLOSED = Category.fit(["nan", "b", None]), Category.fit(["nan", "b"])
WHOLE, CLOSED_WHOLE = Category.fit([3, 2, None], unknown="bucket"), Category.fit([3, 2])
TRUTH, TAGS = Category.fit([True, False, None]), Tags.fit([["a", "b"], None])
DATE, ARRAY = Date.fit(["2026-11-01", None]), NumberArray.fit([[1.0, None], [3.0, 4.0]])
CLOSED_ARRAY, TEXT = NumberArray.fit([[1.0, 2.0], [3.0, 4.0]]), Text.fit(["a b", None])


def values_in(encoder: Encoder, example: Any, path: Path) -> list[Any]:
    """The values of the column `x`, or what is wrong with them."""
    record = Record.single("x", encoder, "given")
    contract = make("m", record, Answers.single(Value("")), [{"x": example}])
    columns = find_columns(contract, {}, None, ())
    (source,) = find_inputs((str(path),), None, sys.stdin.buffer).sources
    opened = open_source(source, columns)
    rows = opened.reader.read(opened.records.take(100), 1)
    opened.records.close()
    assert rows.rejects == []
    wrong = contract.decode_each(rows.instances)[1]
    return [str(wrong[row][0]) if row in wrong else it["x"] for row, it in enumerate(rows.instances)]


@pytest.mark.parametrize(
    ("encoder", "example", "cells"),
    [
        (
            NUMBER,
            1.0,
            {"1": 1, "": NONE, "NA": NONE, "NaN": NONE, " NA ": NONE, " ": NONE, "-": "x: expected a number"},
        ),
        (NUMBER, 1.0, {"inf": "x: expected a finite number", "1_0": "x: expected a number, got '1_0'"}),
        (CLOSED_NUMBER, 1.0, {"1": 1, "": "x: expected a number, got nothing", "NA": "x: expected a number, got 'NA'"}),
        (CLOSED_NUMBER, 1.0, {"NaN": "x: expected a finite number of at most 1e+30 in size, got nan"}),
        (RARE_NA, "v1", {"NA": "NA", "": NONE, "nan": NONE, "v3": "v3"}),
        (
            CALLED_NAN,
            "b",
            {"nan": "nan", "NA": NONE, "": NONE, "b": "b", " b": "x: expected one of 'nan', 'b', got ' b'"},
        ),
        (CLOSED, "b", {"nan": "nan", "NA": "x: expected one of 'nan', 'b', got 'NA'", "": "x: expected one of"}),
        (
            WHOLE,
            3,
            {"3.0": 3, "3": 3, " 2 ": 2, "-3.00": -3, "": NONE, "NA": NONE, "3.5": "x: expected a whole number"},
        ),
        (
            WHOLE,
            3,
            {".": "x: expected a whole number", "1_0": "x: expected a whole number", "9" * 19: "x: expected a wh"},
        ),
        (
            CLOSED_WHOLE,
            3,
            {"3.0": 3, "": "x: expected a whole number, got nothing", "NA": "x: expected a whole number"},
        ),
        (
            TRUTH,
            True,
            {"True": True, "true": True, "1": True, "0.0": False, "": NONE, "NaN": NONE, "yes": "x: expected true"},
        ),
        (
            Raw("bool"),
            True,
            {"FALSE": False, "": "x: expected true or false, got nothing", "NA": "x: expected true or"},
        ),
        (
            TAGS,
            ["a"],
            {'["a","b"]': ["a", "b"], "": NONE, "NA": NONE, "[]": [], "a;b": "x: expected a list, got 'a;b'"},
        ),
        (Tags.fit([["a"]]), ["a"], {"": "x: expected a list, got nothing", "NA": "x: expected a list, got 'NA'"}),
        (
            DATE,
            "2026-11-02",
            {"2026-11-02T10:00:00+02:00": "2026-11-02T10:00:00+02:00", "NaT": NONE, "NA": NONE, "": NONE},
        ),
        (DATE, "2026-11-02", {"02.11.2026": "x: expected a date such as"}),
        (Date.fit(["2026-11-01"]), "2026-11-02", {"NaT": "x: expected a date", "": "x: expected a date"}),
        (
            ARRAY,
            [1, 2],
            {"[1, 2]": [1, 2], "[1, null]": [1, NONE], "": NONE, "NA": NONE, "[1, NaN]": "x: expected a list"},
        ),
        (
            CLOSED_ARRAY,
            [1, 2],
            {"[1, null]": "x/1: expected a number, got nothing", "": "x: expected a list of 2 items"},
        ),
        (Raw("int64"), 1, {"9223372036854775807": 2**63 - 1, "2.0": 2, "": "x: expected a whole number, got nothing"}),
        (
            Raw("int64"),
            1,
            {"9223372036854775808": "x: expected a whole number from -9.22337e+18 to 9.22337e+18, for int64"},
        ),
        (TEXT, "a", {"a": "a", "": NONE, "NA": "NA", "NaN": "NaN"}),
        (Text.fit(["a b"]), "a", {"NA": "NA", "": "x: expected a string that is not empty, got ''"}),
    ],
)
def test_cells_of_csv(encoder: Encoder, example: Any, cells: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("x", "other"), *((cell, "y") for cell in cells)])
    _compare(values_in(encoder, example, path), [*cells.values()])


def test_whole_numbers_with_a_decimal_comma(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("x;y\n3,0;1\n2;1\n;1\n")
    _compare(values_in(WHOLE, 3, tmp_path / "in.csv"), [3, 2, None])


def _compare(got: Sequence[Any], wanted: Sequence[Any]) -> None:
    for value, expected in zip(got, wanted, strict=True):
        is_told = isinstance(expected, str) and expected.startswith("x")
        assert str(value).startswith(expected) if is_told else (value, type(value)) == (expected, type(value)), value


@pytest.mark.parametrize(
    ("encoder", "example", "array", "wanted"),
    [
        (NUMBER, 1.0, pa.array(np.array([1.5, NAN], np.float16)), [1.5, NONE]),
        (NUMBER, 1.0, pa.array([Decimal("1.10"), None], pa.decimal128(5, 2)), [1.1, NONE]),
        (
            CLOSED_NUMBER,
            1.0,
            pa.array([1.0, None, NAN]),
            [1.0, "x: expected a number, got nothing", "x: expected a finite"],
        ),
        (WHOLE, 3, pa.array([3.0, NAN, None]), [3, NONE, NONE]),
        (WHOLE, 3, pa.array([Decimal(3), Decimal(2**60 + 1), None], pa.decimal128(25, 2)), [3, 2**60 + 1, NONE]),
        (
            CLOSED_WHOLE,
            3,
            pa.array([3.0, NAN, None]),
            [3, "x: expected a whole number, got nan", "x: expected a whole"],
        ),
        (TRUTH, True, pa.array([True, None]), [True, NONE]),
        (TRUTH, True, pa.nulls(1), [NONE]),
        (CALLED_NAN, "b", pa.array(["nan", None, "b"]).dictionary_encode(), ["nan", NONE, "b"]),
        (CALLED_NAN, "b", pa.array([1, None]), ["x: expected a string, got 1", NONE]),
        (TAGS, ["a"], pa.array([["a"], None, ["b", None]]), [["a"], NONE, "x/1: expected a string, got nothing"]),
        (ARRAY, [1, 2], pa.array([[1.0, NAN], None, [None, 2.0]]), [[1.0, NONE], NONE, [NONE, 2.0]]),
        (ARRAY, [1, 2], pa.array([[Decimal("1.5"), None]], pa.list_(pa.decimal128(5, 1))), [[1.5, NONE]]),
        (
            CLOSED_ARRAY,
            [1, 2],
            pa.array([[1.0, NAN], None]),
            ["x/1: expected a finite number", "x: expected a list of 2"],
        ),
        (
            DATE,
            "2026-11-02",
            pa.array([10**18 + 1, None], pa.timestamp("ns", "Asia/Tokyo")),
            ["2001-09-09T10:46:40.000000001+09:00", NONE],
        ),
        (DATE, "2026-11-02", pa.array([10**12, None], pa.timestamp("ms")), ["2001-09-09T01:46:40", NONE]),
        (TEXT, "a", pa.array(["a", None]), ["a", NONE]),
    ],
    ids=str,
)
def test_columns_of_parquet(encoder: Encoder, example: Any, array: pa.Array, wanted: list[Any], tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": array}), tmp_path / "in.parquet")
    _compare(values_in(encoder, example, tmp_path / "in.parquet"), wanted)


def test_nan_in_lines_of_json_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"x": NaN}\n')
    with pytest.raises(AssertionError, match="expected a JSON object: unexpected character"):
        values_in(NUMBER, 1.0, tmp_path / "in.jsonl")
