"""Checks a file's columns before a row is read."""

from collections.abc import Sequence

from serving.batch.errors import BadInput
from serving.batch.readers.text_encoding import printable
from serving.batch.rows import Columns

_SHOWN = 20


def check_columns(name: str, header: Sequence[str], columns: Columns) -> tuple[str, ...]:
    """Return the columns of *header* that are not used.

    Raises BadInput if a needed column is missing or is listed twice.
    """
    missing = [column for column in columns.names if column not in header]
    if lacking := [column for column in missing if column in columns.needed]:
        raise BadInput(f"{_expected(name, lacking, header)}; {_ADVICE}")
    if missing and not columns.allow_missing:
        raise BadInput(
            f"{_expected(name, missing, header)}; {_ADVICE}, and --allow-missing scores rows without optional columns"
        )
    twice = [column for column in columns.names if list(header).count(column) > 1]
    if twice:
        raise BadInput(f"{name}: the column '{printable(twice[0])}' is listed twice")
    return tuple(column for column in header if column not in columns.names)


_ADVICE = "--column FIELD=COLUMN names another"


def _expected(name: str, missing: Sequence[str], header: Sequence[str]) -> str:
    columns = " and ".join(f"'{printable(column)}'" for column in missing)
    return f"{name}: expected a column {columns}, got {listed(header)}"


def listed(columns: Sequence[str]) -> str:
    """Return the first columns' names, safe for a terminal."""
    return ", ".join(map(printable, columns[:_SHOWN])) + (", ..." if len(columns) > _SHOWN else "")
