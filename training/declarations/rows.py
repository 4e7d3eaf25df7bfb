"""The rows of a declared table: instances as a caller would send them, their targets, and the split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from training.data.datasets import Dataset, Instance, Part
from training.data.instances import Selected
from training.data.photos import notes_on
from training.declarations.asking import Asked, asked
from training.declarations.columns import column_of
from training.declarations.declaration import Declaration, FieldPart
from training.declarations.fields import IMAGE
from training.declarations.files import TableFile
from training.declarations.picture_columns import PictureColumn, WithPictures, find_pictures
from training.declarations.places import Source
from training.declarations.splitting import groups_of, split_by_group, split_by_time, split_randomly, times_of
from training.declarations.storing import stored_rows
from training.declarations.table import Table
from training.declarations.windows import window_data
from training.declarations.words import listed, meant, quoted

_FEW = 10
"""A class of fewer training rows is told."""


def table_data(source: Source, declaration: Declaration, fields: Mapping[str, FieldPart]) -> tuple[Dataset, Asked]:
    """Read the table, and return its rows with what is asked of them. Raises BadRequest.

    Targets are in memory, and so are the column that it is split by and windows; other fields are on disk.
    """
    file = TableFile(declaration.path.parent / declaration.data.file, declaration.data.dialect)
    _check_columns(source, declaration, fields, file)
    table = file.read(_whole_columns(declaration, fields))
    question = _question(source, declaration, table)
    if not len(question.rows):
        source.refuse(["target"], f"expected rows with a target, found none in {table.file}")
    if declaration.data.window:
        return window_data(source, declaration, fields, table, question)
    pictures = _pictures(declaration, fields, table, question)
    question = _with_pictures(source, question, pictures)
    train, test, groups = _split(declaration, table, question)
    stored, gaps = stored_rows(file, fields, question.rows)
    instances = WithPictures(stored, pictures) if pictures else stored
    training, tested = (_part(instances, question, rows, groups) for rows in (train, test))
    notes = (*_notes(table, question, training, tested, gaps, bool(pictures)), *_picture_notes(pictures))
    return Dataset(table.file, training, tested, question.labels, notes=notes), question


def _whole_columns(declaration: Declaration, fields: Mapping[str, FieldPart]) -> list[str]:
    """Return the columns that are read whole: also names of pictures, and of windows, all that are used."""
    data = declaration.data
    columns = [*declaration.target.names, declaration.split.column]
    columns += [name for name, part in fields.items() if part.kind == IMAGE]
    if data.window:
        columns += [data.order, data.group, *fields]
    return list(dict.fromkeys(filter(None, columns)))


def _check_columns(source: Source, declaration: Declaration, fields: Mapping[str, FieldPart], file: TableFile) -> None:
    target, split = declaration.target, declaration.split
    if bool(target.column) == bool(target.columns):
        source.refuse(["target"], "expected either column or columns")
    asked_for = [(("target", "column" if target.column else "columns"), name) for name in target.names]
    asked_for += [(("fields", name), name) for name in fields]
    asked_for += [(("split", "column"), split.column)] if split.column else []
    for keys, name in asked_for:
        if name not in file.names:
            source.refuse(keys, f"{file.path.name} has no column {quoted(name)}; {meant(name, file.names)}")
    for name, part in fields.items():
        if name in target.names and not declaration.data.window:  # of windows, its past is an input
            source.refuse(["fields", name], "is the target, which the model is asked for")
        if part.kind == IMAGE and declaration.data.window:
            source.refuse(["fields", name, "kind"], "windows have no pictures")
    if len(set(target.names)) < len(target.names):
        source.refuse(["target", "columns"], "expected columns that differ from each other")


def _question(source: Source, declaration: Declaration, table: Table) -> Asked:
    columns = [column_of(table, name, declaration.data.dialect) for name in declaration.target.names]
    return asked(source, declaration.target, columns)


def _split(declaration: Declaration, table: Table, question: Asked) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return training and test rows, as indices of the rows that have a target, and the groups of these."""
    split = declaration.split
    if split.by == "random":
        return *split_randomly(question.targets, split), None
    if split.by == "group":
        groups = groups_of([table.columns[split.column][row] for row in question.rows])
        return *split_by_group(groups, split), groups
    column = column_of(table, split.column, declaration.data.dialect)
    times = times_of(table, column, declaration.data.dialect)[question.rows]
    return *split_by_time(times, split), None


def _pictures(
    declaration: Declaration, fields: Mapping[str, FieldPart], table: Table, question: Asked
) -> dict[str, PictureColumn]:
    folder = (declaration.path.parent / declaration.data.file).parent
    return {
        name: find_pictures(folder, table, name, declaration.data.dialect, question.rows.tolist())
        for name, part in fields.items()
        if part.kind == IMAGE
    }


def _with_pictures(source: Source, question: Asked, pictures: Mapping[str, PictureColumn]) -> Asked:
    """Return what is asked of the rows that have all pictures."""
    there = [all(row in of.paths for of in pictures.values()) for row in question.rows.tolist()]
    index = np.flatnonzero(there)
    if not len(index):
        first = next((line for of in pictures.values() for line in of.skipped), "all cells are gaps")
        source.refuse(["fields"], f"expected rows with a picture, found none: {first}")
    return replace(question, rows=question.rows[index], targets=question.targets[index])


def _picture_notes(pictures: Mapping[str, PictureColumn]) -> list[str]:
    notes = []
    for name, of in pictures.items():
        if of.skipped or of.missing:
            notes.append(f"rows without a picture {name}, left out: {len(of.skipped):,} bad, {of.missing:,} gaps")
        notes += notes_on(of.skipped)
    return notes


def _part(instances: Sequence[Instance], question: Asked, rows: np.ndarray, groups: np.ndarray | None) -> Part:
    chosen = Selected(instances, question.rows[rows])
    return Part(chosen, question.targets[rows], None if groups is None else groups[rows])


def _notes(
    table: Table, question: Asked, train: Part, test: Part, gaps: Counter[str], pictured: bool
) -> tuple[str, ...]:
    """Return what the data are: rows, classes, gaps."""
    left_out = table.rows - len(question.rows)
    without = f"; {left_out:,} left out, which have no target{' or picture' if pictured else ''}" if left_out else ""
    notes = [f"{table.file}: {table.rows:,} rows: {len(train):,} to train, {len(test):,} to test{without}"]
    if question.labels:
        notes += _class_notes(question, train)
    notes.append("gaps: " + (listed(f"{name} {count:,}" for name, count in gaps.most_common()) if gaps else "none"))
    return tuple(notes)


def _class_notes(question: Asked, train: Part) -> list[str]:
    counts = _counts(question.targets, len(question.labels))
    named = zip(question.labels, counts, strict=True)
    notes = [f"{len(question.labels)} classes: " + listed(f"{label} {count:,}" for label, count in named)]
    trained = _counts(train.targets, len(question.labels))
    few = [f"{label} {n:,}" for label, n in zip(question.labels, trained, strict=True) if n < _FEW]
    return notes + ([f"classes with few rows to learn from: {listed(few)}"] if few else [])


def _counts(targets: Any, classes: int) -> list[int]:
    if targets.ndim == 2:
        return [int(count) for count in targets.sum(axis=0)]
    return [int(count) for count in np.bincount(targets, minlength=classes)]
