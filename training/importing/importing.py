"""Publishes a model that was trained elsewhere: reads it, makes its contract of examples, exports and compares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from serving.contract import Features
from serving.contract.arrays import Array
from serving.contract.encoders import Raw
from serving.registry.versions import MODEL_NAME
from training.errors import TrainingError
from training.experiments.served_graph import outputs_of
from training.importing.comparison import compare, compare_export
from training.importing.errors import CannotImport, first_line
from training.importing.fields import pack, typed
from training.importing.graph import as_read, originals_inputs
from training.importing.heads import Taken, asked_of, choose, is_softmax
from training.importing.imported import Imported, contract_of, sha256_of
from training.importing.keras_files import load_keras
from training.importing.layout import Layout, lay_out
from training.importing.lifting import lift
from training.importing.operations import check_operations
from training.importing.packages import import_packages
from training.importing.rows import Rows, read_rows
from training.importing.saved_models import load_saved_model
from training.importing.source import Source
from training.publishing.export import export_graph
from training.publishing.lite import Original, lite_of, pieces_of
from training.publishing.provenance import package_versions
from training.publishing.publish import publish

Say = Callable[[str], object]


@dataclass(frozen=True)
class Request:
    """What to import and how; *names* has the values of `--labels`, `--tags` and `--values`."""

    path: Path
    name: str
    examples: Path
    models_dir: Path
    names: Mapping[str, Sequence[str]]
    fields: Path | None = None
    packages: tuple[str, ...] = ()
    say: Say = print


def import_model(request: Request) -> Path:
    """Import and publish. Return the folder of the new version. Raises TrainingError."""
    if not MODEL_NAME.fullmatch(request.name):
        raise CannotImport(f"--name: expected at most 100 small letters, digits, _ and -, got '{request.name}'")
    rows = read_rows(request.examples)
    import_packages(request.packages)
    source = load(request.path)
    if not source.has_types:
        source = replace(source, inputs=typed(rows, source.inputs))
    layout = lay_out(rows, source.inputs, request.fields)
    _tell_fields(request, rows, layout)
    packing = pack(layout.encoders, layout.fields)
    features = packing.features(rows, layout.instances)
    inputs = originals_inputs(source, packing, features)
    outputs = _predicted(request.path, source, inputs)
    taken = _taken(request, outputs)
    imported = Imported(source, packing, features, layout.instances, taken, as_read(outputs, taken))
    return _publish(request, _lifted(request, imported, rows, layout, inputs) or imported)


def _lifted(request: Request, plain: Imported, rows: Rows, layout: Layout, inputs: Features) -> Imported | None:
    """Return the model with layers lifted, if there are such and all answers stay the same."""
    try:
        lifted = lift(request.path, plain.source, layout, inputs)
        if lifted is None:
            return None
        packing = pack({**layout.encoders, **lifted.encoders}, layout.fields)
        kinds = {name: encoder.kind for name, encoder in lifted.encoders.items()}
        features = packing.features(rows, layout.instances)
        imported = replace(plain, source=lifted.source, packing=packing, features=features, lifted=kinds)
        compare(imported.answers, outputs_of(imported.graph, features), plain.expected, 0)
    except Exception as error:  # the layers are anyone's, and unlifted they are served as well
        request.say(f"{request.name}: preprocessing layers stay in the graph ({first_line(error)})")
        return None
    told = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
    request.say(f"{request.name}: lifted out of the graph, equal for all {len(layout.instances)} examples: {told}")
    return imported


def load(path: Path) -> Source:
    """Read a model's file or folder. Raises CannotImport for what is none that can be imported."""
    if not path.exists():
        raise CannotImport(f"{path}: expected a model's file or folder, got nothing there")
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return load_saved_model(path)
        raise CannotImport(f"{path}: expected a folder with a SavedModel, got one without a saved_model.pb")
    if path.suffix in (".keras", ".h5", ".hdf5"):
        return load_keras(path)
    raise CannotImport(
        f"{path}: expected a .keras or .h5 file or the folder of a SavedModel, got '{path.suffix or path.name}': save "
        "the model with model.save('model.keras')"
    )


def _tell_fields(request: Request, rows: Rows, layout: Layout) -> None:
    if left := [column for column in rows.columns if column not in layout.encoders]:
        request.say(f"{request.name}: no input of the model, so left out of the examples: {', '.join(left)}")
    for name, encoder in layout.encoders.items():
        if isinstance(encoder, Raw) and len(encoder.shape) == 3 and encoder.shape[-1] in (1, 3):
            request.say(f"{request.name}: {name} takes lists of numbers; if it is a picture, --fields can take files")


def _predicted(path: Path, source: Source, inputs: Features) -> Mapping[str, Array]:
    try:
        outputs = source.predict(inputs)
    except Exception as error:  # the layers are anyone's
        raise CannotImport(
            f"{path}: the model's own predict fails on the examples ({first_line(error)}): do they have the values "
            "that it was trained on?"
        ) from error
    count = len(next(iter(inputs.values())))
    for name, output in outputs.items():
        if len(output.shape) == 0 or len(output) != count:
            raise CannotImport(
                f"{path}: output '{name}': expected a row for each of {count} examples, got {list(output.shape)}"
            )
    # NumPy itself has no bfloat16.
    return {name: it.astype(np.float32) if it.dtype.name == "bfloat16" else it for name, it in outputs.items()}


def _taken(request: Request, outputs: Mapping[str, Array]) -> dict[str, Taken]:
    asked = asked_of([*outputs], request.names)
    taken = {name: choose(name, output, asked.get(name)) for name, output in outputs.items()}
    for name, output in outputs.items():
        if name not in asked and is_softmax(output):
            request.say(f"{request.name}: output '{name}' looks like a softmax; with --labels it answers with a label")
    return taken


def _publish(request: Request, imported: Imported) -> Path:
    def write(folder: Path) -> None:
        export_graph(imported.graph, contract, folder, imported.source.holders, lite.document)
        compare_export(folder, imported.answers, imported.features, imported.expected)

    try:
        check_operations(request.path, imported.graph.get_concrete_function())
        contract = contract_of(request.name, imported, _provenance(request, imported))
        lite = lite_of(
            Original(imported.graph, imported.graph, contract.answers, contract.tolerance), pieces_of(imported.features)
        )
        request.say(f"{request.name}: {lite.told}")
        contract = replace(contract, provenance={**contract.provenance, "lite": lite.facts})
        return publish(request.models_dir, request.name, write)
    except TrainingError:
        raise
    except Exception as error:  # the layers are anyone's
        raise CannotImport(
            f"{request.path}: refused: the model can't be served as a graph of TensorFlow, or answers otherwise then: "
            f"{first_line(error)}"
        ) from error


def _provenance(request: Request, imported: Imported) -> dict[str, Any]:
    known: dict[str, Any] = {
        "recipe": "imported",
        "source": request.path.name,
        "source_sha256": sha256_of(request.path),
        **imported.source.facts,
        "examples": f"{request.examples.name}, {len(imported.instances)} rows",
        "packages": list(request.packages),
        "lifted": dict(imported.lifted),
        "versions": package_versions(),
        "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {name: value for name, value in known.items() if value}
