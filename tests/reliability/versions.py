"""Versions of one model, whose answers tell them apart, and what each should answer."""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from serving.registry.publishing import publish
from tests.serving.contracts import answers, tabular_contract

MODEL = "house_price"
KINDS = 7
"""So many different models there are; version n is the n-th of them, modulo this."""

_QUESTIONS = [{"rooms": 3.0 + number % 7 * 0.61, "age": 10.0 + number * 3.7} for number in range(40)]


class Truth:
    """What each version answers. Others than those that were *published* must not answer at all."""

    def __init__(self) -> None:
        self.questions: Sequence[Mapping[str, float]] = _QUESTIONS
        self.published: set[int] = set()
        expected = [answers(tabular_contract(weights=kind), _QUESTIONS, kind) for kind in range(KINDS)]
        self._values = {
            (_key(question), kind): answer["value"]
            for kind in range(KINDS)
            for question, answer in zip(_QUESTIONS, expected[kind], strict=True)
        }

    def problem(self, instance: Mapping[str, float], reply: Mapping[str, Any]) -> str:
        """Say what is wrong with a reply; nothing if it is right."""
        version, (prediction,) = reply["version"], reply["predictions"]
        if version not in self.published:
            return f"version {version} answered, which must not"
        expected = self._values[_key(instance), version % KINDS]
        if not math.isclose(prediction["value"], expected, rel_tol=1e-5, abs_tol=1e-6):
            return f"version {version}: {prediction['value']} instead of {expected} for {instance}"
        return ""


class Shelf:
    """Ready-made versions, each written once into *folder*, since that takes long."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def version(self, kind: int) -> Path:
        """Return the folder of the model that every KINDS-th version is."""
        path = self._folder / str(kind)
        if not path.exists():
            from tests.serving.saved_models import write_saved_model  # brings TensorFlow

            contract = tabular_contract(weights=kind)
            write_saved_model(path, contract, contract.to_json(), kind)
        return path


class ModelsFolder:
    """A models folder with one model, to which versions come."""

    def __init__(self, path: Path, shelf: Shelf, truth: Truth) -> None:
        self.path = path
        self.truth = truth
        self._shelf = shelf
        path.mkdir(exist_ok=True)

    @property
    def newest(self) -> int:
        """The number of the newest version that was published."""
        return max(self.truth.published, default=0)

    def publish(self) -> int:
        """Publish a good version, as a training job would, and return its number."""
        folder = self.path / MODEL
        number = max((int(path.name) for path in folder.glob("[0-9]*")), default=0) + 1
        ready = self._shelf.version(number % KINDS)
        self.truth.published.add(number)
        written = publish(self.path, MODEL, lambda staged: _copy(ready, staged))
        assert written.name == str(number)
        return number

    def put(self, number: int, spoil) -> Path:
        """Put a version there that *spoil* has spoiled, and which would answer otherwise than any good one."""
        staged = self.path / ".staging" / "spoiled"
        shutil.rmtree(staged, ignore_errors=True)
        _copy(self._shelf.version(number % KINDS), staged)
        spoil(staged)
        return staged.rename(self.path / MODEL / str(number))


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target)


def _key(instance: Mapping[str, float]) -> tuple[float, float]:
    return instance["rooms"], instance["age"]
