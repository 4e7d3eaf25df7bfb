"""A model server inside the calling process, with the models in its memory.

It is meant for one machine. There a gRPC call takes longer than a small model's computation, and a separate process for
the models needs memory that a gateway's workers can share.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from serving.catalog import Contracts, ModelRunner
from serving.contract import Features
from serving.contract.arrays import Array
from serving.errors import ModelServerError, ModelServerTimeout, UnknownLabel, UnknownVersion
from serving.model_servers.kept_versions import KeptVersions
from serving.prediction.concurrency import ConcurrencyLimits
from serving.process import memory
from serving.process.turns import Turns
from serving.registry.carried import carried_contract
from serving.registry.errors import RegistryError
from serving.registry.signatures import verify_signature
from serving.registry.signing_keys import PublicKey
from serving.runtime.engine import Engine, load_engine
from serving.runtime.errors import ServingError
from serving.runtime.model import Model, Pace
from serving.runtime.model_config import ModelConfig
from serving.runtime.version import State
from serving.tfserving.codes import Code
from serving.tfserving.statuses import error_of
from serving.tfserving.version_status import VersionState, VersionStatus

_TRIM_SECONDS = 10.0
"""How often memory that loading and requests freed is returned to the system: 5 MB a process under load, 10 and more
after it. It takes some milliseconds."""

_READING_SECONDS = 2.0
"""How long reading a contract may keep other models waiting."""

_THREADS = 1
"""For each computation. Requests run in parallel, and several threads for each would slow the others down."""


class EmbeddedServer:
    """Serves the newest versions of models, each from its folder below *models_dir*. Safe to share between threads.

    A model is loaded when its versions are first asked for, those of *models* at once, and freed when it is forgotten.
    New versions are loaded as they appear. It starts threads, so make it after any fork. *at_once* requests for a model
    are computed at the same time. *on_rpc* is called after each prediction, as it is after a client's call. If there
    are *trusted* keys, only versions are loaded that one of them signed. *named* says which versions of a model to load
    besides the newest.
    """

    def __init__(
        self,
        models_dir: Path,
        models: Sequence[str] = (),
        at_once: int = 1,
        on_rpc: Callable[[str, str, str, float], None] = lambda model, method, code, seconds: None,
        contracts: Contracts | None = None,
        trusted: Sequence[PublicKey] = (),
        named: Callable[[str], Collection[int]] = lambda model: (),
    ) -> None:
        self._named = named
        self._trusted = trusted
        self._limits = ConcurrencyLimits(at_once)
        self._on_rpc = on_rpc
        self._reading = Turns(_READING_SECONDS)
        self._models_dir = models_dir
        self._contracts = contracts or Contracts()
        self._pace = replace(Pace(), retries_changed=True)
        self._adding = threading.Lock()
        self._models: dict[str, Model[Engine]] = {}
        self._kept: dict[str, KeptVersions] = {}
        for model in models:
            self._model(model)
        self._closing = threading.Event()
        threading.Thread(target=self._trim_often, name="trim-memory", daemon=True).start()

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        """Run a version of a model. The deadline limits the wait for a slot: a computation can't be interrupted."""
        engine = self._engine(model, version)
        code = Code.OK
        started = time.perf_counter()
        try:
            with self._limits.slot(model, deadline_seconds):
                return version, engine.compute(features)
        except ModelServerTimeout:
            code = Code.DEADLINE_EXCEEDED
            raise
        except ServingError as error:
            code = error.code
            raise error_of(code, error.message, model, version) from error
        finally:
            self._on_rpc(model, "Predict", code.name, time.perf_counter() - started)

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        """Read the contract's JSON from the version's folder, and compare it with that of its graph.

        To run the graph for it would take 10 MB.
        """
        for each in self._model(model).versions():
            if each.number == version and each.state is State.AVAILABLE:
                try:
                    return carried_contract(each.path)
                except OSError as error:
                    raise ModelServerError(model, f"version {version} carries no contract: {error}") from error
        raise UnknownVersion(model, version)

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        """List a model's versions, after waiting for the first to load. Raise UnknownVersion if there are none."""
        found = self._model(model)
        found.wait_for_first(deadline_seconds)
        statuses = tuple(
            VersionStatus(
                each.number,
                VersionState.of(each.state, problem := str(each.error or "")),
                problem,
                engine.name if (engine := found.available.get(each.number)) else "",
            )
            for each in found.versions()
        )
        if not statuses:
            raise UnknownVersion(model, None)
        return statuses

    def labelled(self, model: str, label: str, deadline_seconds: float) -> int:
        """Raise UnknownLabel: only a separate model server has labels."""
        raise UnknownLabel(model, label)

    def judged(self, model: str, admitted: Collection[int], refused: Collection[int]) -> None:
        """Keep the last version that was *admitted*, and load an older one in the place of each that was *refused*."""
        with self._adding:
            kept, found = self._kept.get(model), self._models.get(model)
        if kept and found and kept.judged(admitted, refused):
            found.look()

    def aside(self) -> ModelRunner:
        """Return what computes the same beside the slots of requests, and is not counted."""
        return _Aside(self._engine)

    def forget(self, model: str) -> None:
        """Free a model. Requests that run still end."""
        with self._adding:
            forgotten = self._models.pop(model, None)
            self._kept.pop(model, None)
        if forgotten:
            forgotten.stop()

    def close(self) -> None:
        """Stop the threads."""
        self._closing.set()
        with self._adding:
            for model in self._models.values():
                model.stop()

    def _engine(self, model: str, version: int) -> Engine:
        found = self._models.get(model)
        engine = found.available.get(version) if found else None
        if engine is None:
            raise UnknownVersion(model, version)
        return engine

    def _model(self, name: str) -> Model[Engine]:
        with self._adding:
            if name not in self._models:
                folder = self._models_dir / name
                kept = self._kept[name] = self._kept_versions(name, folder)
                # A condition of its own, or each change of one would wake those who wait for others.
                changed = threading.Condition()
                self._models[name] = Model(ModelConfig(name, folder, kept), kept.load, self._pace, changed)
            return self._models[name]

    def _kept_versions(self, name: str, folder: Path) -> KeptVersions:
        return KeptVersions(folder, self._contracts, self._reading, self._load, lambda: self._named(name))

    def _load(self, version: Path) -> Engine:
        try:
            if self._trusted:
                verify_signature(version, self._trusted)
        except (OSError, RegistryError) as error:
            raise ServingError(Code.DATA_LOSS, str(error)) from error
        return load_engine(version, _THREADS)  # which compares the files with the manifest that is signed

    def _trim_often(self) -> None:
        while not self._closing.wait(_TRIM_SECONDS):
            memory.trim()


class _Aside:
    """Computes with what *engine* returns for a model and a version."""

    def __init__(self, engine: Callable[[str, int], Engine]) -> None:
        self._engine = engine

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        """Run a version of a model. The deadline has no effect: a computation can't be interrupted."""
        try:
            return version, self._engine(model, version).compute(features)
        except ServingError as error:
            raise error_of(error.code, error.message, model, version) from error
