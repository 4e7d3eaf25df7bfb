"""What a look at a long table finds for windows: its order, its series, and the columns of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.declarations.columns import Column
from training.declarations.declaration import DataPart
from training.declarations.guesses import Guess, guess
from training.declarations.places import Source
from training.declarations.sequences import Sequences, sequences_of
from training.declarations.splitting import groups_of
from training.declarations.table import Dialect, Table
from training.declarations.toml_reading import MOST_STEPS
from training.declarations.words import meant, quoted
from training.errors import BadRequest


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options of `plumbline new` for windows; *order* and *group* are "" if they are to be guessed."""

    window: int
    horizon: int = 1
    order: str = ""
    group: str = ""


@dataclass(frozen=True, eq=False)
class SeriesFound:
    """The *wanted* windows with the columns that were named or guessed (*guessed*), and what is odd (*remarks*)."""

    wanted: Wanted
    guessed: Sequence[str]
    series: int
    remarks: Sequence[str]


def series_in(
    table: Table, dialect: Dialect, wanted: Wanted, columns: Mapping[str, Column], targets: Sequence[Column]
) -> SeriesFound:
    """Return how the rows make series. Raises BadRequest."""
    for option in ("order", "group"):
        name = getattr(wanted, option)
        if name and name not in columns:
            raise BadRequest(f"--{option}: {table.file} has no column {quoted(name)}; {meant(name, columns)}")
    others = {name: column for name, column in columns.items() if column not in targets and name != wanted.group}
    order = wanted.order or _order(others)
    group = wanted.group or (_group(columns[order], {**others, order: columns[order]}) if order else "")
    guessed = [option for option, of in (("order", order), ("group", group)) if of and not getattr(wanted, option)]
    found = _sequences(table, dialect, replace(wanted, order=order, group=group))
    return SeriesFound(replace(wanted, order=order, group=group), guessed, found.count, found.remarks)


def series_fields(
    found: SeriesFound, columns: Mapping[str, Column], targets: Sequence[Column]
) -> tuple[dict[str, Guess], dict[str, str]]:
    """Return the fields, each a column of numbers, and the reasons why others are left out."""
    fields, left_out = {}, {}
    for name, column in columns.items():
        own = guess(column)
        if column in targets and column.type == "numbers":
            fields[name] = Guess("array", "the window of what is asked")
        elif name == found.wanted.order:
            left_out[name] = "the order of the rows"
        elif name == found.wanted.group:
            left_out[name] = "tells the series apart"
        elif column not in targets and own.kind == "number":
            fields[name] = Guess("array", own.remark)
        elif column not in targets:
            reason = f"a {own.kind}: as a field it has the value of the window's last row" if own.kind else own.remark
            left_out[name] = reason
    return fields, left_out


def check_steps(window: int, horizon: int) -> None:
    """Raise BadRequest if these are no numbers of rows."""
    for option, given in (("window", window), ("horizon", horizon)):
        if not 1 <= given <= MOST_STEPS:
            raise BadRequest(f"--{option}: expected 1 to {MOST_STEPS:,} rows, got {given:,}")


def _order(columns: Mapping[str, Column]) -> str:
    """Return the first column of dates, else of numbers that rise from row to row, else none."""
    whole = {name: column for name, column in columns.items() if name.strip() and not column.gaps}
    dates = [name for name, column in whole.items() if column.type == "dates"]
    rising = [name for name, column in whole.items() if column.type == "numbers" and _rises(column)]
    return next(iter([*dates, *rising]), "")


def _rises(column: Column) -> bool:
    return bool((np.diff(np.array(column.values, np.float64)) > 0).all())


def _group(order: Column, columns: Mapping[str, Column]) -> str:
    """Return the column that parts rows of the same time, if times repeat: of several that of fewest values."""
    if len(order.counts) == len(order.values):
        return ""
    times = groups_of(order.values)
    candidates = [it for name, it in columns.items() if name.strip() and it is not order and it.type in _PARTING]
    fits = [it for it in candidates if len(it.counts) * 2 <= len(it.values) and _parts(times, it)]
    return min(fits, key=lambda it: len(it.counts)).name if fits else ""


_PARTING = ("texts", "truths", "numbers")


def _parts(times: np.ndarray, column: Column) -> bool:
    pairs = np.stack((times, groups_of(column.values)), axis=1)
    return len(np.unique(pairs, axis=0)) == len(pairs)


def _sequences(table: Table, dialect: Dialect, wanted: Wanted) -> Sequences:
    data = DataPart(
        file=table.file,
        separator=dialect.separator,  # type: ignore[arg-type]
        decimal=dialect.decimal,  # type: ignore[arg-type]
        na=dialect.na,
        encoding=dialect.encoding,  # type: ignore[arg-type]
        **vars(wanted),
    )
    return sequences_of(Source(Path(table.file), ""), data, table)
