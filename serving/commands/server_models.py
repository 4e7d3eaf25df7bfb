"""The model list of the model server that `plumbline up` starts: it follows the models folder."""

from pathlib import Path

import click

from serving.registry.checking import check_folder
from serving.registry.finding import Found, ModelFinder
from serving.registry.server_config import models_config
from serving.runtime.storage import Stamp, stamp

_Seen = tuple[Found, dict[str, Stamp]]


class ServerModels:
    """Writes models.config at *path* with the models in *models_dir* that TensorFlow Serving can load.

    It starts without any: one that it then fails to load would end its start, but does no harm to a running server.
    A model with a version that can't be loaded is limited to the newest that can.
    """

    def __init__(self, models_dir: Path, path: Path) -> None:
        self.path = path
        self._models_dir = models_dir.resolve()
        self._finder = ModelFinder(models_dir)
        self._problems: dict[str, str] = {}
        self._seen: _Seen | None = None
        self._write({})

    def update(self) -> None:
        """Look at the folder, and write the list if it changed."""
        try:
            found = self._finder.find()
        except OSError:  # the gateway, which follows the folder too, logs it
            return
        seen = found, {model: stamp(self._models_dir / model) for model in self._problems}
        if seen != self._seen:
            loadable = {model: self._versions(model) for model in found.models}
            self._problems = {model: it for model, it in self._problems.items() if model in found.models}
            self._seen = found, {model: stamp(self._models_dir / model) for model in self._problems}
            self._write({model: versions for model, versions in loadable.items() if versions is not None})

    def _versions(self, model: str) -> list[int] | None:
        """Return the versions that a model is limited to, none if it is not, or None if nothing can be loaded."""
        good, bad = check_folder(self._models_dir / model)
        if not bad:
            self._problems.pop(model, None)
            return []
        problem = f"version {bad[0].number} can't be loaded: {bad[0].problem}"
        if self._problems.get(model) != problem:
            click.echo(f"{model}: {problem}", err=True)
        self._problems[model] = problem
        return good or None

    def _write(self, models: dict[str, list[int]]) -> None:
        aside = self.path.with_suffix(".new")
        aside.write_text(models_config(models, str(self._models_dir), models), "utf-8")
        aside.replace(self.path)  # the server may read it at any time
