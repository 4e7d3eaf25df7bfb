"""All models: finds the version of a request, and applies configurations while requests run."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from serving.runtime.errors import ServingError, failed_precondition, invalid_argument, not_found
from serving.runtime.model import Model, Pace
from serving.runtime.model_config import ModelConfig
from serving.runtime.servable import Servable
from serving.runtime.version import Version
from serving.tfserving.codes import Code

Labels = dict[str, dict[str, int]]


class ModelManager:
    """The models by name. Both ports use it for every request."""

    def __init__(self, load: Callable[[Path], Servable], pace: Pace, labels_may_be_unavailable: bool = False) -> None:
        self._load = load
        self._pace = pace
        self._labels_may_be_unavailable = labels_may_be_unavailable
        self._changed = threading.Condition()
        self._models: dict[str, Model[Servable]] = {}
        self._labels: Labels = {}
        self._generation = 0

    def knows(self, name: str) -> bool:
        """Return whether a model of this name was ever configured, so that the name may become a metric's label."""
        return name in self._models

    def find(self, request: Any) -> tuple[int, Servable]:
        """Return the version's number and the servable of a request's ModelSpec; raises ServingError."""
        if not request.HasField("model_spec"):
            raise invalid_argument("Missing ModelSpec")
        spec = request.model_spec
        if not spec.name:
            raise invalid_argument("ModelSpec has no name specified.")
        choice = spec.WhichOneof("version_choice")
        model = self._models.get(spec.name)
        if choice is None:
            return _newest(model, spec.name)
        number = spec.version.value if choice == "version" else self._labelled(spec.name, spec.version_label)
        servable = model.available.get(number) if model else None
        if servable is None:
            raise not_found(f"Servable not found for request: Specific({spec.name}, {number})")
        return number, servable

    def _labelled(self, name: str, label: str) -> int:
        number = self._labels.get(name, {}).get(label)
        if number is None:
            raise invalid_argument(f"Unrecognized servable version label: {label}")
        return number

    def versions(self, name: str) -> list[Version]:
        """List every version of a model that was ever tracked, the highest first."""
        model = self._models.get(name)
        return model.versions() if model else []

    def apply(self, configs: Sequence[ModelConfig], still_wanted: Callable[[], bool], noun: str = "model") -> None:
        """Serve these models and no others; return when the new ones are available and the labels are set.

        Only the bookkeeping holds the lock: a call that waits, perhaps for ever, delays no other. Raises ServingError.
        """
        with self._changed:
            self._generation += 1
            generation = self._generation
            configured = {config.name: config for config in configs}
            known = {name for name, model in self._models.items() if model.is_listed}
            for name, model in self._models.items():
                model.configure(configured.get(name))
            for name in configured.keys() - self._models.keys():
                self._models[name] = Model(configured[name], self._load, self._pace, self._changed)
            if generation == 1:  # like the original, which checks the first labels before it has loaded anything
                self._relabel(configs)
            added = [self._models[name] for name in configured.keys() - known]
        self._await_available(added, still_wanted, noun)
        with self._changed:
            if generation == self._generation:  # otherwise a later configuration was applied meanwhile
                self._relabel(configs)

    def _await_available(self, models: Sequence[Model[Servable]], still_wanted: Callable[[], bool], noun: str) -> None:
        with self._changed:
            while waiting := [model for model in models if model.is_listed and not model.is_settled]:
                if not still_wanted():
                    names = ", ".join(model.name for model in waiting)
                    raise ServingError(Code.CANCELLED, f"Gave up waiting for versions of: {names}")
                self._changed.wait(0.1)
            failures = [(model.name, version) for model in models for version in model.failures()]
        if failures:
            details = "".join(
                f"{{{{name: {name} version: {each.number}}} due to error: {each.error}}}, " for name, each in failures
            )
            message = f"{len(failures)} {noun}(s) did not become available: {{{details}}}"
            raise ServingError(Code.UNKNOWN, message)

    def _relabel(self, configs: Sequence[ModelConfig]) -> None:
        for config in configs:
            for label, number in config.labels.items():
                self._check_label(config.name, label, number)
        self._labels = {config.name: config.labels for config in configs}

    def _check_label(self, name: str, label: str, number: int) -> None:
        if number in self._models[name].available:
            return
        is_moved = self._labels.get(name, {}).get(label, number) != number
        if self._labels_may_be_unavailable and not is_moved:
            return
        raise failed_precondition(
            f"Request to assign label to version {number} of model {name}, which is not currently "
            "available for inference"
        )

    def stop(self) -> None:
        """Let the models' threads end."""
        for model in self._models.values():
            model.stop()


def _newest(model: Model[Servable] | None, name: str) -> tuple[int, Servable]:
    available = model.available if model else {}
    if not available:
        raise not_found(f"Servable not found for request: Latest({name})")
    number = max(available)
    return number, available[number]
