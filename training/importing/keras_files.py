"""Loads `.keras` and `.h5` files in Keras's safe mode."""

import re
import warnings
from pathlib import Path

import keras

from training.importing.archives import Description, check_safe, describe
from training.importing.errors import CannotImport, first_line
from training.importing.keras_2 import as_keras_3
from training.importing.keras_source import of_model
from training.importing.source import Source

_UNKNOWN = re.compile(r"(?:Unknown layer: |Could not locate (?:class|function) )'([^']{1,200})'")


def load_keras(path: Path) -> Source:
    """Load a model file. Raises CannotImport."""
    described = describe(path)
    check_safe(path, described)
    model = _loaded(path, described)
    if not isinstance(model, keras.Model):
        raise CannotImport(
            f"{path}: expected a model, got a {type(model).__name__}: put it into a keras.Model with inputs and outputs"
        )
    facts = {"format": path.suffix.removeprefix("."), "keras_version": described.keras_version}
    return of_model(path, model, facts)


def _loaded(path: Path, described: Description) -> object:
    try:
        with warnings.catch_warnings(), as_keras_3(path, described) as readable:
            warnings.simplefilter("ignore")  # of optimizers and old formats, which matter to nobody here
            return keras.saving.load_model(readable, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever the file's author made it stumble over
        if (unknown := _UNKNOWN.search(str(error))) and not unknown[1].endswith("OpLambda"):
            raise CannotImport(
                f"{path}: the model has a layer or function of its author's own, which is not registered here: "
                f"{unknown[1]}: name the package that registers it with @keras.saving.register_keras_serializable: "
                "--package NAME"
            ) from error
        made = f"Keras {described.keras_version}" if described.keras_version else "the Keras that made it"
        raise CannotImport(
            f"{path}: Keras {keras.__version__} can't load the model, which was saved with {made} "
            f"({first_line(error)}): save it there as a SavedModel, with model.export('folder') or, before Keras 3, "
            "tf.saved_model.save(model, 'folder'), and import that folder"
        ) from error
