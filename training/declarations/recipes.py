"""Recipes by name, and the one that suits data of some kinds and size."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, get_type_hints

from training.declarations.declaration import FieldPart, RecipePart
from training.declarations.places import Source
from training.declarations.toml_reading import checked
from training.declarations.words import meant
from training.errors import BadRequest
from training.networks.convolutions import ConvNet
from training.networks.mixed import Mixed
from training.networks.recurrent import Recurrent
from training.networks.sequence_convolutions import SequenceConvNet
from training.networks.transfer import Transfer
from training.problem_types import BALANCED_BINARY, BALANCED_MULTICLASS, Problem
from training.task import Recipe

RECIPES: dict[str, type[Any]] = {
    "mixed": Mixed,
    "recurrent": Recurrent,
    "convolutions": SequenceConvNet,
    "transfer": Transfer,
    "convnet": ConvNet,
}
OF_PICTURES = ("transfer", "convnet")
CLASS_WEIGHTS = "class_weights"
_SIZES = ((500, 16), (2_000, 32), (10_000, 64), (100_000, 256))
"""Batches by the number of training rows, so that an epoch has some dozens of steps or more."""


def make_recipes(source: Source, part: RecipePart, fields: Mapping[str, FieldPart], rows: int) -> Mapping[str, Recipe]:
    """Return the recipe that the file declares, by its name. Raises BadRequest, with the place in the file."""
    name = part.name or _suitable(fields)
    if name not in RECIPES:
        source.refuse(["recipe", "name"], f"unknown recipe; {meant(name, RECIPES)}")
    pictured = [field for field in fields.values() if field.kind == "image"]
    if bool(pictured) != (name in OF_PICTURES):
        which = [it for it in RECIPES if (it in OF_PICTURES) == bool(pictured)]
        source.refuse(["recipe", "name"], f"expected one of {', '.join(which)} for these fields, got {name}")
    if name == "transfer" and pictured[0].options.get("colour") == "L":
        source.refuse(["recipe", "name"], 'transfer needs pictures with colour = "RGB"; convnet takes grey ones too')
    hints = {
        it.name: hint
        for it in dataclasses.fields(RECIPES[name])
        if not (pictured and it.name in ("height", "width"))
        for hint in [get_type_hints(RECIPES[name])[it.name]]
    }
    given = checked(source, ("recipe",), part.settings, hints | {CLASS_WEIGHTS: Literal["none", "balanced"]})
    given.pop(CLASS_WEIGHTS, None)  # they are part of the question: see `balanced`
    try:
        settings = _usual(name, fields, rows) | {key: _made(hints[key], value) for key, value in given.items()}
        sides = {side: pictured[0].options[side] for side in ("height", "width")} if pictured else {}
        recipe = RECIPES[name](**settings, **sides)
    except BadRequest as error:
        source.refuse(["recipe"], str(error))
    return {name: recipe}


def balanced(source: Source, part: RecipePart, problem: Problem) -> Problem:
    """Return *problem* with the class weights that the file asks for. Raises BadRequest if it has no classes."""
    if part.settings.get(CLASS_WEIGHTS, "none") == "none":
        return problem
    if problem.name not in _BALANCED:
        source.refuse(["recipe", CLASS_WEIGHTS], f"is for the problems {', '.join(_BALANCED)}, not for {problem.name}")
    return _BALANCED[problem.name]


_BALANCED = {"binary": BALANCED_BINARY, "multiclass": BALANCED_MULTICLASS}


def _made(hint: Any, value: Any) -> Any:
    """Return a setting; the table of a nested one becomes what the hint names."""
    return hint(**value) if isinstance(value, dict) else value


def _suitable(fields: Mapping[str, FieldPart]) -> str:
    kinds = {field.kind for field in fields.values()}
    if "image" in kinds:
        return "transfer"
    return "convolutions" if kinds == {"array"} else "mixed"


def _usual(name: str, fields: Mapping[str, FieldPart], rows: int) -> dict[str, Any]:
    """Return the settings that suit the number of training rows."""
    batch_size = next((size for most, size in _SIZES if rows < most), 1024)
    if name == "transfer":
        # As measured on photos of cats and dogs: see the task `image`.
        return {"augmented_head": False, "dropout": 0.5, "head_epochs": 20, "top_layers": 0}
    if name == "convnet":
        return {"epochs": 20, "batch_size": min(batch_size, 64), "patience": 5, "dropout": 0.3}
    texts = any(field.kind == "text" for field in fields.values())
    if texts:
        return {"epochs": 40, "batch_size": min(batch_size, 64), "patience": 4, "dropout": 0.3, "units": (32,)}
    if name in ("recurrent", "convolutions"):
        return {"epochs": 60, "batch_size": min(batch_size, 64), "patience": 8, "units": (32,)}
    return {"epochs": 100, "batch_size": batch_size, "patience": 10, "dropout": 0.1, "l2": 1e-4}
