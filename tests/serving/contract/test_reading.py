"""What a contract says of how files of its rows are written."""

import json
from dataclasses import replace

import pytest

from serving.contract import Contract, Reading
from serving.contract.reading import date_of, tags_of
from serving.errors import ContractError
from tests.serving.mixed_contract import mixed_contract

READING = Reading(separator=";", decimal=",", encoding="cp1252", missing=("", "?"), dates={"seen": "%d.%m.%y"})


@pytest.mark.parametrize("reading", [None, READING, Reading(missing=("-",), delimiters={"habits": "|"})])
def test_it_is_read_back(reading: Reading | None) -> None:
    text = replace(mixed_contract(), reading=reading).to_json()

    assert Contract.from_json(text).reading == reading
    assert ("reading" in json.loads(text)) == (reading is not None)
    assert Contract.from_json(text).to_json() == text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"separator": "x"}, "/reading/separator: expected one of"),
        ({"decimal": 1}, "/reading/decimal: expected one of"),
        ({"encoding": "utf-7"}, "/reading/encoding: expected one of"),
        ({"missing": "NA"}, "/reading/missing: expected a list"),
        ({"dates": {"other": "%d"}}, "/reading/dates: expected names of fields, got 'other'"),
        ({"delimiters": {"habits": ""}}, "/reading/delimiters/habits: expected a text, got an empty one"),
    ],
)
def test_another_is_refused(change: dict[str, object], problem: str) -> None:
    document = json.loads(replace(mixed_contract(), reading=READING).to_json())
    document["reading"] |= change
    with pytest.raises(ContractError, match=problem):
        Contract.from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "format", "date"),
    [
        (" 28.11.2026 ", "%d.%m.%Y", "2026-11-28"),
        ("28.11.26 07:05", "%d.%m.%y %H:%M", "2026-11-28T07:05:00"),
        ("31.02.2026", "%d.%m.%Y", None),
        (5, "%d.%m.%Y", None),
    ],
)
def test_dates(text: object, format: str, date: str | None) -> None:
    assert date_of(text, format) == date


@pytest.mark.parametrize(
    ("text", "tags"), [("a| b |", ["a", "b"]), ("", []), ('["a|b"]', ["a|b"]), ("[a]|b", ["[a]", "b"]), (5, None)]
)
def test_tags(text: object, tags: list[str] | None) -> None:
    assert tags_of(text, "|") == tags
