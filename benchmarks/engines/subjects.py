"""What is measured: the newest version of each model, and the features that all engines get of it, as files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.engines.arrays import Array, Arrays, write_arrays
from serving.contract import Contract
from serving.registry import model_names, read_versions

BATCHES = (1, 8, 32)
PAIRED = (1, 8)
"""Rows of the calls of two threads that compute at the same time."""
LARGE_BATCH = 512
"""As many rows as scoring of files computes at a time, where they are no pictures."""
CHECKED = "checked"
_LARGEST_BYTES = 4 << 20
_RANDOM_ROWS = 64


@dataclass(frozen=True)
class Subject:
    """A version of a *model* in the models folder named *label*; its *features* lie in files, by numbers of rows."""

    label: str
    model: str
    version: Path
    features: Path
    large_batches: tuple[int, ...]

    def names(self, engine: str) -> dict[str, str]:
        """Return what a record of an engine with it begins with."""
        return {"label": self.label, "model": self.model, "engine": engine}


def subjects(models_dirs: Sequence[Path], work: Path) -> list[Subject]:
    """Write the features of each model's newest version below *work*. Raise ValueError if one has no contract."""
    return [_subject(folder, model, work) for folder in models_dirs for model in model_names(folder)]


def _subject(folder: Path, model: str, work: Path) -> Subject:
    newest = read_versions(folder, model)[-1]
    if newest.contract is None:
        raise ValueError(f"{newest.path}: {newest.problem}")
    files = work / "features" / folder.name / model
    files.mkdir(parents=True, exist_ok=True)
    contract = newest.contract
    large = (LARGE_BATCH,) if LARGE_BATCH * _row_bytes(contract) <= _LARGEST_BYTES else ()
    examples = contract.features([example.instance for example in contract.examples])
    for rows in BATCHES + large:
        write_arrays(files / f"{rows}.npz", _repeated(examples, rows))
    write_arrays(files / f"{CHECKED}.npz", checked_rows(examples))
    return Subject(folder.name, model, newest.path, files, large)


def checked_rows(examples: Arrays) -> Arrays:
    """Return the examples and random rows.

    Each value of a random row is one that an example has at its place, and numbers are moved by a few deviations.
    """
    random = np.random.default_rng(1)
    return {name: np.concatenate([array, _random_rows(array, random)]) for name, array in examples.items()}


def _random_rows(array: Array, random: np.random.Generator) -> Array:
    chosen = random.integers(0, len(array), (_RANDOM_ROWS, *array.shape[1:]))
    drawn: Array = np.take_along_axis(array, chosen, 0)
    if array.dtype.kind != "f":
        return drawn
    moved: Array = drawn + random.normal(0, 2, drawn.shape) * array.std(0)
    is_picture = array.ndim > 2
    return (moved.clip(array.min(0), array.max(0)) if is_picture else moved).astype(array.dtype)


def _repeated(examples: Arrays, rows: int) -> Arrays:
    return {name: np.resize(array, (rows, *array.shape[1:])) for name, array in examples.items()}


def _row_bytes(contract: Contract) -> int:
    return sum(spec.row_bytes for spec in contract.record.specs.values())
