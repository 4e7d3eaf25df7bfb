"""docs/tensorflow-serving.md and the tests of this folder keep in step."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "tensorflow-serving.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in DOCUMENT.read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| flag or call", "| **"))
]
NAMED = re.compile(r"(†?) ?`(test_\w+\.py::test_\w+)`")
COLUMNS = 8


def _tests() -> dict[str, bool]:
    """Find the tests, and whether each is marked as `better_than_real`."""
    return {
        f"{file.name}::{node.name}": any("better_than_real" in ast.dump(mark) for mark in node.decorator_list)
        for file in HERE.glob("test_*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_there_are_rows() -> None:
    assert len(ROWS) > 30


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_each_row_names_tests_that_are_there_and_says_which_are_for_our_server_only(row: list[str]) -> None:
    assert len(row) == COLUMNS
    assert all(row[column] for column in (0, 2, 3, 4, 5, 6))
    named = NAMED.findall(row[-1])
    assert named, "expected the row to name its test"
    tests = _tests()
    assert {name: dagger == "†" for dagger, name in named} == {name: tests.get(name) for _, name in named}


def test_each_difference_on_purpose_is_in_the_table() -> None:
    named = {name for row in ROWS for _, name in NAMED.findall(row[-1])}
    assert {name for name, differs in _tests().items() if differs} - named == set()
