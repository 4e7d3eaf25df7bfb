"""From a TOML file to a task: the same as a Python file declares, so that the same job trains it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.data.datasets import Part
from training.declarations.asking import Asked
from training.declarations.declaration import Declaration, FieldPart, ProtocolPart, SplitPart
from training.declarations.fields import IMAGE, checked_field, fitter
from training.declarations.pictures import picture_data
from training.declarations.places import Source
from training.declarations.reading import reading_of
from training.declarations.recipes import balanced, make_recipes
from training.declarations.rivals import rivals_of
from training.declarations.rows import table_data
from training.declarations.series import for_series
from training.declarations.toml_reading import read_declaration, source_of
from training.errors import BadRequest
from training.task import Declared, Task
from training.validation import HoldOut, KFold, TimeOrdered, ValidationStrategy, make_strategy

_MANY = 2_000
"""From so many rows on, one fold tells enough; of photos, always."""
_ACCURACY = 2e-4
"""How far numbers may differ when they are computed elsewhere, as a share of the largest target."""


def declared_task(path: Path) -> tuple[str, Task]:
    """Return the name and the task that a file declares; reads its data. Raises BadRequest, with the place in it."""
    declaration = read_declaration(path)
    source = source_of(declaration)
    fields = {name: checked_field(source, name, part) for name, part in declaration.fields.items()}
    data, asked = (picture_data if declaration.data.folder else table_data)(source, declaration, fields)
    part = for_series(declaration.recipe, data) if declaration.data.window else declaration.recipe
    recipes = make_recipes(source, part, fields, len(data.train), asked.problem)
    problem = balanced(source, part, asked.problem)
    return declaration.name, Task(
        problem=problem,
        output=lambda data: asked.head,
        load=lambda data_dir: data,
        load_sample=lambda: data,  # never asked for: the commands refuse --sample
        fit=fitter(fields, path.parent),
        protocol=_protocol(source, declaration, fields, data.train),
        recipes=recipes,
        sample_recipes=recipes,
        floor=declaration.gate.floor,
        regression_tolerance=declaration.gate.tolerance,
        tolerance=_tolerance(asked),
        rivals=rivals_of(problem, fields),
        naive=lambda data: asked.naive,
        # Of windows, what is scored are lists, not the rows of the table.
        reading=None if declaration.data.folder or declaration.data.window else reading_of(declaration, fields),
        capture={name: field.capture for name, field in fields.items() if field.capture},
        declared=Declared(path, _sha256(declaration, fields)),
    )


def _protocol(
    source: Source, declaration: Declaration, fields: Mapping[str, FieldPart], train: Part
) -> ValidationStrategy:
    part: ProtocolPart = declaration.protocol
    if not part.name:
        for option in ("folds", "repeats", "share"):
            if getattr(part, option) is not None:
                source.refuse(["protocol", option], "expected name = ... too, of the protocol that has it")
        return _suitable(declaration.split, fields, train)
    try:
        strategy = make_strategy(part.name, folds=part.folds, repeats=part.repeats, share=part.share)
    except BadRequest as error:
        source.refuse(["protocol"], str(error).replace("--protocol ", "").replace("--", ""))
    least = {"folds": 2, "repeats": 1}
    for option, lowest in least.items():
        if (given := getattr(part, option)) is not None and given < lowest:
            source.refuse(["protocol", option], f"expected at least {lowest}, got {given}")
    if part.share is not None and not 0 < part.share < 1:
        source.refuse(["protocol", "share"], f"expected a share between 0 and 1, got {part.share:g}")
    assert strategy is not None  # noqa: S101 - it has a name
    return strategy


def _suitable(split: SplitPart, fields: Mapping[str, FieldPart], train: Part) -> ValidationStrategy:
    if split.by == "time":
        return TimeOrdered()
    if len(train) >= _MANY or any(field.kind == IMAGE for field in fields.values()):
        return HoldOut()
    parts = len(train) if train.groups is None else len(np.unique(train.groups))
    return KFold(max(2, min(4, parts)))


def _tolerance(asked: Asked) -> float:
    if asked.labels:
        return 1e-3
    return float(np.abs(asked.targets).max(initial=0)) * _ACCURACY or 1e-3


def _sha256(declaration: Declaration, fields: Mapping[str, FieldPart]) -> str:
    """Return a hash of what the file says, comments left out, and of the tokenizers' files that it names."""
    facts: list[Any] = [declaration.document, *_files(declaration.path.parent, fields.values())]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _files(folder: Path, fields: Sequence[FieldPart] | Any) -> list[str]:
    names = [str(field.options["file"]) for field in fields if "file" in field.options]
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names if (folder / name).is_file()]
