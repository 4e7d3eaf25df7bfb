"""The rows of a CSV or JSONL file as raw instances, with the answers that stand beside them, if any."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from serving.contract import Contract, Labels, Measures
from serving.errors import InvalidFields

_LONGEST_FIELD = 20_000_000
_SHOWN = 200


class UnreadableFile(ValueError):
    """The file is not what its name says; the message names the place."""


@dataclass(frozen=True)
class Row:
    """What one row has: a decoded instance, or why it is none, and the answer, if there is one."""

    number: int
    decoded: Any
    problem: str
    answer: Mapping[str, Any]


def read_rows(path: Path, contract: Contract, columns: Mapping[str, str]) -> Iterator[Row]:
    """Read *path* by its ending, .csv or .jsonl; *columns* gives the file's name of a field that is called otherwise.

    Columns that are no fields are passed over, but for `label` and `score`, or `value`: the answers of a file that was
    scored. Raises UnreadableFile.
    """
    names = {field: columns.get(field, field) for field in contract.preprocessor.fields}
    is_table = contract.preprocessor.kind == "tabular"
    for number, record in _records(path):
        if number == 1 or not any(name in record for name in names.values()):
            _check_names(path, number, record, names, contract)
        taken = {field: record[name] for field, name in names.items() if name in record}
        instance = {field: _number(value) for field, value in taken.items()} if is_table else taken
        try:
            decoded, problem = contract.preprocessor.decode(instance), ""
        except InvalidFields as error:
            decoded, problem = None, str(error)[:_SHOWN]
        yield Row(number, decoded, problem, record)


def answered(contract: Contract, record: Mapping[str, Any]) -> bool:
    """Tell whether a row has the model's answer beside the inputs."""
    wanted = ("label", "score") if isinstance(contract.output, Labels) else ("value",)
    return all(record.get(name) not in (None, "") for name in wanted)


def measure_answers(path: Path, contract: Contract, rows: list[Row]) -> Measures:
    """Measure the answers of a scored file; raises UnreadableFile if a row has none."""
    values, labels = np.zeros((len(rows), 1)), []
    for index, row in enumerate(rows):
        if not answered(contract, row.answer):
            raise UnreadableFile(f"{path}: row {row.number}: has no answer, though others have; score the whole file")
        number = _number(row.answer["score" if isinstance(contract.output, Labels) else "value"])
        if not isinstance(number, float):
            raise UnreadableFile(f"{path}: row {row.number}: expected a number as the answer, got {str(number)[:40]!r}")
        values[index] = number
        labels.append(row.answer.get("label"))
    if not isinstance(contract.output, Labels):
        return Measures(values, {})
    return Measures(values, {"label": np.array([labels.count(name) for name in contract.output.names], np.float64)})


def _check_names(path: Path, number: int, record: Mapping[str, Any], names: Mapping[str, str], of: Contract) -> None:
    missing = [name for name in names.values() if name not in record]
    if len(missing) == len(names) or (number == 1 and missing and path.suffix == ".csv"):
        raise UnreadableFile(
            f"{path}: row {number}: {of.model} needs {', '.join(missing)[:_SHOWN]}; the row has "
            f"{', '.join(map(str, record))[:_SHOWN]}. Give --column FIELD=NAME for what has another name"
        )


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = {".csv": _csv, ".jsonl": _jsonl}.get(path.suffix)
    if reader is None:
        raise UnreadableFile(f"{path}: expected a file ending in .csv or .jsonl")
    try:
        yield from reader(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{path}: {error}") from error


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from enumerate(csv.DictReader(file, restkey=""), start=1)


def _jsonl(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open("rb") as file:
        number = 0
        while text := file.readline(_LONGEST_FIELD):
            number += 1
            try:
                record = json.loads(text)
            except ValueError as error:
                raise UnreadableFile(f"{path}: row {number}: not JSON: {error}") from error
            if not isinstance(record, dict):
                raise UnreadableFile(f"{path}: row {number}: expected a JSON object, got {text[:40]!r}")
            yield number, record


def _number(value: Any) -> Any:
    """Read a table's field; CSV has numbers as text, and nothing for what is missing."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return value
    try:
        return float(value) if value.strip() else None
    except ValueError:
        return value
