"""Publishes a model that was trained elsewhere: reads it, makes its contract of examples, exports and compares."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from serving.contract import Answers, Contract, Features
from serving.contract.arrays import Array
from serving.errors import PlumblineError
from serving.registry.versions import MODEL_NAME
from training.errors import TrainingError
from training.importing.comparison import compare_export, tolerance_for
from training.importing.errors import CannotImport, first_line
from training.importing.fields import Packing, pack
from training.importing.graph import as_read, graph_of, originals_inputs
from training.importing.heads import Taken, answers_of, asked_of, choose, problem_of
from training.importing.keras_files import load_keras
from training.importing.layout import Layout, lay_out
from training.importing.packages import import_packages
from training.importing.rows import Rows, read_rows
from training.importing.saved_models import load_saved_model
from training.importing.source import Source
from training.publishing.contracts import PARITY_EXAMPLES, parity_examples
from training.publishing.export import export_graph
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
        raise CannotImport(f"--name: expected small letters, digits, _ and -, got '{request.name}'")
    rows = read_rows(request.examples)
    import_packages(request.packages)
    source = load(request.path)
    layout = lay_out(rows, source.inputs, request.fields)
    _tell_left_out(request, rows, layout)
    packing = pack(layout.encoders, layout.fields)
    features = packing.features(rows, layout.instances)
    outputs = _predicted(request.path, source, originals_inputs(source, packing, features))
    taken = _taken(request, outputs)
    return _publish(request, source, packing, layout, features, taken, as_read(outputs, taken))


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


def _tell_left_out(request: Request, rows: Rows, layout: Layout) -> None:
    if left := [column for column in rows.columns if column not in layout.encoders]:
        request.say(f"{request.name}: no input of the model, so left out of the examples: {', '.join(left)}")


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
    return {name: choose(name, output, asked.get(name)) for name, output in outputs.items()}


def _publish(
    request: Request,
    source: Source,
    packing: Packing,
    layout: Layout,
    features: Features,
    taken: Mapping[str, Taken],
    expected: Mapping[str, Array],
) -> Path:
    answers, graph = answers_of(taken), graph_of(source, packing, taken)
    contract = _contract(request, source, packing, layout, graph, answers, expected)

    def write(folder: Path) -> None:
        export_graph(graph, contract, folder, source.holders)
        compare_export(folder, answers, features, expected)

    try:
        return publish(request.models_dir, request.name, write)
    except TrainingError:
        raise
    except (PlumblineError, tf.errors.OpError) as error:
        raise CannotImport(f"{request.path}: refused: what is served differs from the original: {error}") from error


def _contract(
    request: Request,
    source: Source,
    packing: Packing,
    layout: Layout,
    graph: Any,
    answers: Answers,
    expected: Mapping[str, Array],
) -> Contract:
    return Contract(
        model=request.name,
        problem=problem_of(answers),
        record=packing.record,
        answers=answers,
        examples=parity_examples(packing.record, graph, layout.instances[:PARITY_EXAMPLES]),
        tolerance=tolerance_for(expected),
        evaluation={"note": "not measured"},
        provenance={
            "recipe": "imported",
            "source": request.path.name,
            "source_sha256": _sha256(request.path),
            **source.facts,
            "examples": f"{request.examples.name}, {len(layout.instances)} rows",
            "packages": list(request.packages),
            "versions": package_versions(),
            "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )


def _sha256(path: Path) -> str:
    """Return a hash of a file, or of the names and contents of all files in a folder."""
    digest = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]:
        if path.is_dir():
            digest.update(f"{file.relative_to(path).as_posix()}\0".encode())
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest() if path.is_dir() else b"")
            if not path.is_dir():
                return hashlib.file_digest(opened, "sha256").hexdigest()
    return digest.hexdigest()
