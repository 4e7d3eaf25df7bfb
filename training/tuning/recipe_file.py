"""Recipe files, which `plumbline tune` writes: a recipe's name, and its changed settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.errors import BadRequest

SUFFIX = ".json"


def is_recipe_file(recipe: str) -> bool:
    """Return whether *recipe* is a file rather than the name of a recipe."""
    return recipe.endswith(SUFFIX)


def write_recipe_file(
    path: Path, model: str, recipe: str, settings: Mapping[str, str], found: Mapping[str, Any]
) -> None:
    """Write the file, replacing an older one; *found* says how good the recipe is."""
    document = {"model": model, "recipe": recipe, "settings": settings, "found": found}
    aside = path.with_name(path.name + ".tmp")
    aside.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    aside.replace(path)


def read_recipe_file(path: Path, model: str) -> tuple[str, tuple[str, ...]]:
    """Return the recipe's name, and its settings in the form that `--set` takes. Raises BadRequest."""
    try:
        document = json.loads(path.read_text("utf-8"))
        of_model, recipe = document["model"], str(document["recipe"])
        settings = tuple(f"{name}={value}" for name, value in document["settings"].items())
    except OSError as error:
        raise BadRequest(f"recipe file {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest(f"recipe file {path}: expected a file that `plumbline tune` wrote, got {error!r}") from error
    if of_model != model:
        raise BadRequest(f"recipe file {path} is for {of_model}, not for {model}")
    return recipe, settings
