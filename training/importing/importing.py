"""Publishes a model that was trained elsewhere: reads it, makes its contract of examples, exports and compares."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from serving.contract import Answers, Contract, Features
from serving.contract.arrays import Array
from serving.contract.encoders import Raw
from serving.errors import PlumblineError
from serving.registry.versions import MODEL_NAME
from training.errors import TrainingError
from training.experiments.served_graph import outputs_of
from training.importing.comparison import compare, compare_export, tolerance_for
from training.importing.errors import CannotImport, first_line
from training.importing.fields import Packing, pack, typed
from training.importing.graph import as_read, graph_of, originals_inputs
from training.importing.heads import Taken, answers_of, asked_of, choose, problem_of
from training.importing.keras_files import load_keras
from training.importing.layout import Layout, lay_out
from training.importing.lifting import lift
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


@dataclass(frozen=True)
class Imported:
    """A *source* with the *packing* that makes its inputs, and what is known of the examples.

    *features* are those that *packing* makes of the *instances*, *expected* the original's outputs for them, as the
    heads that are *taken* read them. *lifted* has the kinds of the fields that layers became, by name.
    """

    source: Source
    packing: Packing
    features: Features
    instances: Sequence[Mapping[str, Any]]
    taken: Mapping[str, Taken]
    expected: Mapping[str, Array]
    lifted: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def answers(self) -> Answers:
        """The heads."""
        return answers_of(self.taken)

    @cached_property
    def graph(self) -> Any:
        """The graph that is served."""
        return graph_of(self.source, self.packing, self.taken)


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
    return {name: choose(name, output, asked.get(name)) for name, output in outputs.items()}


def _publish(request: Request, imported: Imported) -> Path:
    contract = _contract(request, imported)

    def write(folder: Path) -> None:
        export_graph(imported.graph, contract, folder, imported.source.holders)
        compare_export(folder, imported.answers, imported.features, imported.expected)

    try:
        return publish(request.models_dir, request.name, write)
    except TrainingError:
        raise
    except (PlumblineError, tf.errors.OpError) as error:
        raise CannotImport(f"{request.path}: refused: what is served differs from the original: {error}") from error


def _contract(request: Request, imported: Imported) -> Contract:
    record = imported.packing.record
    return Contract(
        model=request.name,
        problem=problem_of(imported.answers),
        record=record,
        answers=imported.answers,
        examples=parity_examples(record, imported.graph, imported.instances[:PARITY_EXAMPLES]),
        tolerance=tolerance_for(imported.expected),
        evaluation={"note": "not measured"},
        provenance={
            "recipe": "imported",
            "source": request.path.name,
            "source_sha256": _sha256(request.path),
            **imported.source.facts,
            "examples": f"{request.examples.name}, {len(imported.instances)} rows",
            **({"packages": list(request.packages)} if request.packages else {}),
            **({"lifted": dict(imported.lifted)} if imported.lifted else {}),
            "versions": package_versions(),
            "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )


def _sha256(path: Path) -> str:
    """Return a hash of a file, or of the names and hashes of all files in a folder."""
    if path.is_file():
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*") if each.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{_sha256(file)}\0".encode())
    return digest.hexdigest()
