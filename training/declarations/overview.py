"""What a look at a file finds: each column's kind, what is left out and why, and what the target asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.declarations.columns import Column, column_of
from training.declarations.dialects import find_dialect, find_gaps
from training.declarations.files import TableFile, check_format
from training.declarations.guesses import Guess, guess
from training.declarations.leaks import leak, suspicion
from training.declarations.picture_columns import guess_pictures
from training.declarations.series_overview import SeriesFound, Wanted, series_fields, series_in
from training.declarations.table import Dialect, Table
from training.declarations.targets import balance, labels_of, problem_of
from training.declarations.words import listed, meant, quoted
from training.errors import BadRequest

FEW = 10
"""A class of fewer rows can hardly be learnt."""

UNBALANCED = 4
"""From this ratio of the largest to the smallest class on, classes are weighted."""


@dataclass(frozen=True, eq=False)
class Overview:
    """A table, how it is written, its target and the guesses about all other columns.

    *guessed* says that nobody has named the target.
    """

    table: Table
    dialect: Dialect
    targets: Sequence[Column]
    guessed: bool
    problem: str
    columns: Mapping[str, Column]
    fields: Mapping[str, Guess]
    left_out: Mapping[str, str]
    suspicions: Mapping[str, str]
    series: SeriesFound | None = None

    @property
    def without_target(self) -> int:
        """The number of rows that lack a target."""
        columns = zip(*(column.values for column in self.targets), strict=True)
        return sum(any(value is None for value in row) for row in columns)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, if the target has such and is one column."""
        asks_classes = self.problem in ("binary", "multiclass", "multilabel")
        return labels_of(self.targets[0]) if asks_classes and len(self.targets) == 1 else ()

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of rows of each label."""
        if len(self.targets) > 1:
            return {column.name: sum(map(bool, column.present)) for column in self.targets}
        return balance(self.targets[0])

    @property
    def is_unbalanced(self) -> bool:
        """Whether a class has so few rows that a model may ignore it."""
        counts = self.counts.values() if self.problem in ("binary", "multiclass") else (1,)
        return max(counts) > UNBALANCED * min(counts)


def look_at(path: Path, target: str | None, wanted: Wanted | None = None) -> Overview:
    """Look at a table; *target* names its target, or several with commas, *wanted* says windows of its series.

    Raises BadRequest.
    """
    check_format(path)
    dialect = find_dialect(path)
    table = TableFile(path, dialect).sample()
    if table.texts:
        dialect = replace(dialect, na=find_gaps(table, dialect.decimal))
    columns = {name: column_of(table, name, dialect) for name in table.columns}
    names = _named(table, target) if target else _last(table, columns)
    if not all(name.strip() for name in names):
        raise BadRequest(f"{path}: the target is a column without a name: give it one, or choose another with --target")
    targets = [columns[name] for name in names]
    problem = problem_of(targets)
    if wanted:
        series = series_in(table, dialect, wanted, columns, targets)
        fields, left_out = series_fields(series, columns, targets)
        _check_fields(path, fields, left_out)
        return Overview(
            table, dialect, targets, target is None, problem, columns, fields, left_out, suspicions={}, series=series
        )
    others = {name: column for name, column in columns.items() if column not in targets}
    guesses = {name: guess_pictures(column, path.parent) or guess(column) for name, column in others.items()}
    regression = problem in ("regression", "values")
    leaks = {
        name: found
        for name, column in others.items()
        if guesses[name].kind
        for found in [next(filter(None, (leak(column, it, regression) for it in targets)), "")]
        if found
    }
    fields = {name: found for name, found in guesses.items() if found.kind and name not in leaks}
    left_out = {name: leaks.get(name) or found.remark for name, found in guesses.items() if name not in fields}
    _check_fields(path, fields, left_out)
    doubts = {} if regression else {name: suspicion(columns[name], it) for name in fields for it in targets}
    suspicions = {name: doubt for name, doubt in doubts.items() if doubt}
    return Overview(table, dialect, targets, target is None, problem, columns, fields, left_out, suspicions)


def _check_fields(path: Path, fields: Mapping[str, Guess], left_out: Mapping[str, str]) -> None:
    if not fields:
        reasons = "; ".join(f"{quoted(name)}: {reason}" for name, reason in left_out.items())
        raise BadRequest(f"{path}: no column is left to answer from: {reasons or 'there is only the target'}"[:2_000])


def _named(table: Table, target: str) -> list[str]:
    names = [target] if target in table.columns else [name.strip() for name in target.split(",")]
    for name in names:
        if name not in table.columns:
            raise BadRequest(f"--target: {table.file} has no column {quoted(name)}; {meant(name, table.columns)}")
    if len(set(names)) < len(names):
        raise BadRequest(f"--target: expected columns that differ from each other, got {target}")
    return names


def _last(table: Table, columns: Mapping[str, Column]) -> list[str]:
    """Return the last column, if it can be a target. Raises BadRequest, with the columns that there are."""
    name = [*table.columns][-1]
    choose = f"choose one with --target; there is {listed(table.columns, 40)}"
    try:
        problem_of([columns[name]])
    except BadRequest as error:
        raise BadRequest(f"{table.file}: the last column can't be what is asked for: {error}; {choose}") from error
    if (found := guess(columns[name])).remark.startswith("identifier"):
        raise BadRequest(
            f"{table.file}: the last column, {quoted(name)}, can't be what is asked for: {found.remark}; {choose}"
        )
    return [name]
