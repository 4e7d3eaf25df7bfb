"""What `.keras` and `.h5` files say of themselves, read before Keras runs anything of them."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from training.importing.errors import CannotImport, first_line

_LOOKUPS = ("TextVectorization", "StringLookup", "IntegerLookup")
_MOST_BYTES = 100_000_000
"""Of the description of the layers, which has no weights but may have vocabularies."""


@dataclass(frozen=True)
class Description:
    """The *config* of the layers, nested, and the version of Keras that wrote it, where it is told."""

    config: Any
    keras_version: str | None


def describe(path: Path) -> Description:
    """Read the description of a model file. Raises CannotImport for what is no such file."""
    read = _of_keras if path.suffix == ".keras" else _of_hdf5
    try:
        return read(path)
    except CannotImport:
        raise
    except Exception as error:  # whatever a damaged file makes of its reader
        raise CannotImport(
            f"{path}: expected a model that Keras saved, got a file that can't be read ({first_line(error)}): save the "
            "model again, and copy it as a binary file"
        ) from error


def _of_keras(path: Path) -> Description:
    if not zipfile.is_zipfile(path):
        raise CannotImport(
            f"{path}: expected a .keras file, which is a zip archive, got something else: save the model again with "
            "model.save('model.keras')"
        )
    with zipfile.ZipFile(path) as archive:
        config, metadata = (_json_in(archive, name) for name in ("config.json", "metadata.json"))
    return Description(config, metadata.get("keras_version"))


def _json_in(archive: zipfile.ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise CannotImport(f"{archive.filename}: expected {name} of at most {_MOST_BYTES:,} bytes, got more")
    return json.loads(archive.read(name))


def _of_hdf5(path: Path) -> Description:
    import h5py  # comes with Keras

    with h5py.File(path, "r") as file:
        config, version = (file.attrs.get(name) for name in ("model_config", "keras_version"))
    if config is None:
        raise CannotImport(
            f"{path}: expected a whole model, got weights alone: save it with model.save('model.keras') instead of "
            "save_weights, or build the model, load them and save it"
        )
    described = Description(json.loads(config), str(version) if version else None)
    for state in _objects(described.config):
        if state["class_name"] in _LOOKUPS and (state.get("config") or {}).get("vocabulary") is None:
            raise CannotImport(
                f"{path}: the layer '{_name(state)}' has lost the vocabulary that it adapted to, which .h5 files don't "
                "keep: save the model again with model.save('model.keras'), or as a SavedModel"
            )
    return described


def check_safe(path: Path, described: Description) -> None:
    """Raise CannotImport if the file holds Python code, or layers of a package that was not imported."""
    for state in _objects(described.config):
        if state.get("class_name") in ("Lambda", "__lambda__") and _has_code(state):
            raise CannotImport(
                f"{path}: refused: the layer '{_name(state)}' is a Lambda, whose Python code would run here: replace "
                "it by layers, or by a class of your own in a package (see --package), and save the model again"
            )
    if unknown := [each for each in map(_custom_name, _objects(described.config)) if each]:
        named = ", ".join(dict.fromkeys(unknown))
        raise CannotImport(
            f"{path}: the model has layers or functions of its author's own, which are not registered here: {named}: "
            "name the package that registers them with @keras.saving.register_keras_serializable: --package NAME"
        )


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a nested description that names a class."""
    pending = [config]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            if isinstance(each.get("class_name"), str):
                yield each
            pending += [part for key, part in each.items() if key != "compile_config"]  # which nobody reads here
        elif isinstance(each, list):
            pending += each


def _has_code(state: dict[str, Any]) -> bool:
    """Return whether a Lambda has code of its own; one of a registered function, such as Keras's, has a name."""
    if state["class_name"] == "__lambda__":
        return True
    function = (state.get("config") or {}).get("function")
    code = function.get("class_name") if isinstance(function, dict) else None
    return not isinstance(function, str) and code != "function"


def _name(state: dict[str, Any]) -> str:
    config = state.get("config")
    return str((config.get("name") if isinstance(config, dict) else None) or state["class_name"])


def _custom_name(state: dict[str, Any]) -> str:
    """Return the name of a class or function that Keras would not find; empty if it is found, or Keras's own."""
    module = state.get("module")
    registered = state.get("registered_name", state["class_name"])  # .h5 files have only this name
    if not isinstance(module, str | None) or (module or "keras").partition(".")[0] in ("keras", "builtins"):
        registered = registered if registered and ">" in registered else None
        if not registered:
            return ""
    name = registered or state["class_name"]
    return "" if keras.saving.get_registered_object(name) else str(name)
