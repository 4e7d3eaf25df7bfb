"""Kinds of fields, their options, and how their encoders are fitted."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, get_type_hints

from serving.contract import Record
from serving.contract.encoders import Category, Date, Number, NumberArray, Picture, Tags, Text
from serving.contract.encoders.tokenizers.kinds import FITS
from training.data.datasets import Dataset, Instance
from training.data.instances import walk
from training.data.records import column, has_gap, is_gap, record_fitter
from training.declarations.declaration import FieldPart
from training.declarations.guesses import MOST_ONE_HOT
from training.declarations.places import Source
from training.declarations.toml_reading import checked
from training.declarations.words import meant

IMAGE = "image"
FITTED: dict[str, Callable[..., Any]] = {
    "number": Number.fit,
    "category": Category.fit,
    "tags": Tags.fit,
    "date": Date.fit,
    "text": Text.fit,
    "array": NumberArray.fit,
}
"""What fits each kind to a column."""
READING: dict[str, dict[str, Any]] = {"date": {"format": str}, "tags": {"delimiter": str}}
"""Options that say how a kind is read from the file."""
_WITH_GAPS = {
    "number": "mean",
    "category": "bucket",
    "tags": "bucket",
    "date": "flag",
    "text": "empty",
    "array": "mean",
}
"""What a missing value counts as, unless the file says so."""


def checked_field(source: Source, name: str, part: FieldPart) -> FieldPart:
    """Return the field with its options in the types that its kind takes. Raises BadRequest, with the place."""
    kinds = (*FITTED, IMAGE)
    if part.kind not in kinds:
        source.refuse(["fields", name, "kind"], f"unknown kind; {meant(part.kind, kinds)}")
    options = checked(source, ("fields", name), part.options, _hints(source, name, part))
    field = dataclasses.replace(part, options=options)
    if "file" in field.options and not (source.path.parent / field.options["file"]).is_file():
        source.refuse(["fields", name, "file"], f"expected a file, found none: {field.options['file']}")
    if part.kind == IMAGE:
        _check_picture(source, name, field)
    return field


def _check_picture(source: Source, name: str, field: FieldPart) -> None:
    for side in ("height", "width"):
        if side not in field.options:
            source.refuse(["fields", name], f"expected {side} = ..., such as 224")
    try:
        Picture(**field.options)
    except (ValueError, TypeError) as error:
        source.refuse(["fields", name], str(error))


def _hints(source: Source, name: str, part: FieldPart) -> Mapping[str, Any]:
    if part.kind == IMAGE:
        own = [it.name for it in dataclasses.fields(Picture) if not it.name.startswith("max_")]
        return {option: hint for option, hint in get_type_hints(Picture).items() if option in own}
    hints = _keyword_hints(FITTED[part.kind]) | READING.get(part.kind, {})
    if part.kind == "text":
        tokenizer = part.options.get("tokenizer", "unicode")
        if not isinstance(tokenizer, str) or tokenizer not in FITS:
            known = meant(str(tokenizer), FITS)
            source.refuse(["fields", name, "tokenizer"], f"unknown tokenizer; {known}")
        hints |= _keyword_hints(FITS[tokenizer])
    return hints


def _keyword_hints(function: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(function)
    keywords = [it.name for it in inspect.signature(function).parameters.values() if it.kind is it.KEYWORD_ONLY]
    return {name: hints[name] for name in keywords}


def fitter(fields: Mapping[str, FieldPart], folder: Any) -> Callable[[Dataset, Sequence[Instance], Any], Record]:
    """Return a task's `fit` for *fields*; a tokenizer's file stands in *folder*.

    What any row of the data misses may be missing, and a category that only test rows have counts as unknown.
    """

    def fit(data: Dataset, instances: Sequence[Instance], recipe: Any) -> Record:
        return record_fitter({name: encoder_fit(name, part, data, folder) for name, part in fields.items()})(
            data, instances, recipe
        )

    return fit


def encoder_fit(name: str, part: FieldPart, data: Dataset, folder: Any) -> Any:
    """Return what fits the encoder of a field to values of it, or the finished encoder of a picture."""
    if part.kind == IMAGE:
        return Picture(**{"filter": "drafted", **part.options})
    options = {option: value for option, value in part.options.items() if option not in READING.get(part.kind, {})}
    if part.kind == "text" and "file" in options:
        options["file"] = folder / options["file"]
    columns = [column(name, each.instances) for each in (data.train, data.test)]
    if any(_has_gap(values, part.kind) for values in columns):
        options.setdefault("missing", _WITH_GAPS[part.kind])
    if part.kind in ("category", "tags"):
        trained, tested = map(_categories, columns)
        if not tested <= trained:
            options.setdefault("unknown", "bucket")
        if part.kind == "category" and len(trained | tested) > MOST_ONE_HOT:
            options.setdefault("output", "id")
    return partial(FITTED[part.kind], **options)


def _has_gap(values: Sequence[Any], kind: str) -> bool:
    if kind != "text":
        return has_gap(values)
    return any(is_gap(value) or not str(value).strip() for _, piece in walk(values) for value in piece)


def _categories(values: Sequence[Any]) -> set[str]:
    """Return the categories, or the tags, among *values*."""
    items = (item for _, piece in walk(values) for value in piece for item in _items(value))
    return {repr(item) for item in items if item is not None}


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]
