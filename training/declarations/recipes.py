"""Recipes by name, and the one that suits data of some kinds and size."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, get_type_hints

from training.declarations.declaration import FieldPart, RecipePart
from training.declarations.places import Source
from training.declarations.toml_reading import checked
from training.declarations.words import meant
from training.errors import BadRequest
from training.networks.augmentation import Augmentation
from training.networks.convolutions import ConvNet
from training.networks.mixed import Mixed
from training.networks.recurrent import Recurrent
from training.networks.sequence_convolutions import SequenceConvNet
from training.networks.transfer import Transfer
from training.problem_types import BALANCED_BINARY, BALANCED_MULTICLASS, Problem, Regression
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
_ROWS_SEEN = 300_000
"""Epochs of a table: so many that this number of rows is seen, with repetitions, but from 10 to 100."""
_FEW_PHOTOS = 60
"""Of fewer than these, fine-tuning learns nothing that holds for others."""


def make_recipes(
    source: Source, part: RecipePart, fields: Mapping[str, FieldPart], rows: int, problem: Problem
) -> Mapping[str, Recipe]:
    """Return the recipe that the file declares, by its name. Raises BadRequest, with the place in the file."""
    name = part.name or _suitable(fields, problem)
    if name not in RECIPES:
        source.refuse(["recipe", "name"], f"unknown recipe; {meant(name, RECIPES)}")
    pictured = [field for field in fields.values() if field.kind == "image"]
    if _are_photos(fields) != (name in OF_PICTURES):
        which = [it for it in RECIPES if (it in OF_PICTURES) == _are_photos(fields)]
        source.refuse(["recipe", "name"], f"expected one of {', '.join(which)} for these fields, got {name}")
    if name == "transfer" and pictured[0].options.get("colour") == "L":
        source.refuse(["recipe", "name"], 'transfer needs pictures with colour = "RGB"; convnet takes grey ones too')
    hints = {
        it.name: hint
        for it in dataclasses.fields(RECIPES[name])
        if not (name in OF_PICTURES and it.name in ("height", "width"))
        for hint in [get_type_hints(RECIPES[name])[it.name]]
    }
    given = checked(source, ("recipe",), part.settings, hints | {CLASS_WEIGHTS: Literal["none", "balanced"]})
    given.pop(CLASS_WEIGHTS, None)  # they are part of the question: see `balanced`
    try:
        settings = _usual(name, fields, rows, problem) | {key: _made(hints[key], value) for key, value in given.items()}
        sides = {side: pictured[0].options[side] for side in ("height", "width")} if name in OF_PICTURES else {}
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


def _are_photos(fields: Mapping[str, FieldPart]) -> bool:
    """Return whether the model sees nothing but a picture, as that of a folder does."""
    return [(name, field.kind) for name, field in fields.items()] == [("image", "image")]


def _suitable(fields: Mapping[str, FieldPart], problem: Problem) -> str:
    kinds = {field.kind for field in fields.values()}
    if _are_photos(fields):
        return "transfer"
    return "convolutions" if kinds == {"array"} and not isinstance(problem, Regression) else "mixed"


def _usual(name: str, fields: Mapping[str, FieldPart], rows: int, problem: Problem) -> dict[str, Any]:
    """Return the settings that suit the number of training rows; docs/performance.md has what they reach."""
    kinds = {field.kind for field in fields.values()}
    batch_size = next((size for most, size in _SIZES if rows < most), 1024)
    if name == "transfer":
        return _TRANSFER | ({} if rows >= _FEW_PHOTOS else {"top_layers": 0})
    if name == "convnet":
        return {"epochs": 20, "batch_size": min(batch_size, 64), "patience": 5, "dropout": 0.3}
    if "text" in kinds:
        return _OF_TEXTS | {"batch_size": min(batch_size, 64)}
    if name in ("recurrent", "convolutions"):
        return {"epochs": 60, "batch_size": min(batch_size, 64), "patience": 8, "units": (32,)}
    epochs = max(10, min(100, _ROWS_SEEN // max(rows, 1)))
    # What a number will be depends on where its series is now; of what kind a series is does not.
    series = {"relative": True, "skip_zeros": True} if "array" in kinds and isinstance(problem, Regression) else {}
    return _OF_TABLES | series | {"epochs": epochs, "batch_size": batch_size, "patience": max(3, epochs // 5)}


_OF_TABLES = {"members": 8, "wide": True, "rate": 3e-3, "decay": 0.01, "dropout": 0.1}
_OF_TEXTS = {
    "units": (32,),
    "embedding": 32,
    "wide": True,
    "rate": 5e-3,
    "dropout": 0.3,
    "epochs": 20,
    "patience": 4,
}


_TRANSFER = {
    "augmentation": Augmentation(),
    "augmented_head": False,
    "dropout": 0.5,
    "head_epochs": 20,
    "top_layers": 9,
    "augmented_tuning": False,
    "tuning_epochs": 6,
    "tuning_rate": 1e-4,
}
"""A head on the frozen base, then the top of the base at a low rate, without augmentation, which may change an answer.

Learned from 80 pictures of five digits, of 240 others the head alone got 0.904 right; with two epochs of fine-tuning
0.896, with six 0.925, and with mirror images 0.788. For photos of cats and dogs it was 0.942 to 0.946 each time.
"""
