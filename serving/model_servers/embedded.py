"""A model server without a server: the process that asks has the models, and TensorFlow, in itself.

It is for one machine. There a call by gRPC takes longer than a small model computes, and a process of its own for the
models needs memory that a gateway's workers can share.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from pathlib import Path

from serving.catalog import Contracts
from serving.contract import Features
from serving.contract.arrays import Array
from serving.errors import ContractError, ModelServerError, ModelServerTimeout, UnknownLabel, UnknownVersion
from serving.prediction.concurrency import ConcurrencyLimits
from serving.process import memory
from serving.registry.versions import CONTRACT, SERVED, scan
from serving.runtime.errors import ServingError
from serving.runtime.loader import ServableLoader
from serving.runtime.model import Model, Pace
from serving.runtime.model_config import ModelConfig
from serving.runtime.saved_model import Parallelism
from serving.runtime.servable import DEFAULT_SIGNATURE
from serving.runtime.tensorflow_c import register_operations
from serving.runtime.version import State
from serving.tfserving.codes import Code
from serving.tfserving.statuses import error_of
from serving.tfserving.version_status import VersionState, VersionStatus

_TRIM_SECONDS = 10.0
"""How often to give back what loading and requests have left, which takes some milliseconds: 5 MB a process under load,
10 and more after it."""

_ONE_THREAD = Parallelism(intra_op=1)
"""For an operation: requests run side by side, and several threads for each get into each other's way."""


def load_library() -> None:
    """Load TensorFlow's operations, for processes that are forked to share them; no thread starts before a session."""
    register_operations()


class _Newest:
    """The newest versions in *folder*, and the newest of those whose contract can be read.

    So versions that will be refused don't push out those that answer.
    """

    def __init__(self, folder: Path, contracts: Contracts) -> None:
        self._folder = folder
        self._contracts = contracts
        self._readable: dict[int, bool] = {}

    def choose(self, found: Collection[int]) -> frozenset[int]:
        """Pick from the numbers that are there."""
        newest = sorted(found, reverse=True)
        readable = (number for number in newest if self._is_readable(number))
        return frozenset([*newest[:SERVED], *islice(readable, SERVED)])

    def _is_readable(self, number: int) -> bool:
        if number not in self._readable:
            try:
                self._contracts.read((scan(self._folder)[number] / CONTRACT).read_bytes())
                self._readable[number] = True
            except (OSError, KeyError, ContractError):
                self._readable[number] = False
        return self._readable[number]


class EmbeddedServer:
    """Serves the newest versions of *models*, each in its folder below *models_dir*; safe to share between threads.

    New versions are loaded as they appear. It starts threads, so it must be made after any fork. *at_once* requests for
    a model are computed at the same time. *on_rpc* is told of each prediction what a client would be told of its call.
    """

    def __init__(
        self,
        models_dir: Path,
        models: Sequence[str],
        at_once: int = 1,
        on_rpc: Callable[[str, str, str, float], None] = lambda model, method, code, seconds: None,
        contracts: Contracts | None = None,
    ) -> None:
        self._limits = ConcurrencyLimits(at_once)
        self._on_rpc = on_rpc
        self._changed = threading.Condition()
        load = ServableLoader(_ONE_THREAD, scheduler=None, batching=None, warm_up=True)
        contracts = contracts or Contracts()
        configs = [ModelConfig(name, models_dir / name, _Newest(models_dir / name, contracts)) for name in models]
        self._models = {config.name: Model(config, load, Pace(), self._changed) for config in configs}
        self._closing = threading.Event()
        threading.Thread(target=self._trim_often, name="trim-memory", daemon=True).start()

    def predict(
        self, model: str, version: int, features: Features, deadline_seconds: float
    ) -> tuple[int, dict[str, Array]]:
        """Run a version of a model; the deadline is for its turn, as what runs can't be interrupted."""
        servable = self._models[model].available.get(version)
        if servable is None:
            raise UnknownVersion(model, version)
        code = Code.OK
        started = time.perf_counter()
        try:
            with self._limits.slot(model, deadline_seconds):
                return version, servable.ask(DEFAULT_SIGNATURE, features)
        except ModelServerTimeout:
            code = Code.DEADLINE_EXCEEDED
            raise
        except ServingError as error:
            code = error.code
            raise error_of(code, error.message, model, version) from error
        finally:
            self._on_rpc(model, "Predict", code.name, time.perf_counter() - started)

    def contract(self, model: str, version: int, deadline_seconds: float) -> bytes:
        """Read the contract's JSON beside a version of a model: in its graph is the same, which takes 10 MB to ask."""
        for each in self._models[model].versions():
            if each.number == version and each.state is State.AVAILABLE:
                try:
                    return (each.path / CONTRACT).read_bytes()
                except OSError as error:
                    raise ModelServerError(model, f"version {version} carries no contract: {error}") from error
        raise UnknownVersion(model, version)

    def versions(self, model: str, deadline_seconds: float) -> tuple[VersionStatus, ...]:
        """List a model's versions; waits for the first to be loaded. Raises UnknownVersion if there are none."""
        found = self._models[model]
        with self._changed:
            self._changed.wait_for(lambda: found.available or not found.is_busy, deadline_seconds)
        statuses = tuple(
            VersionStatus(each.number, VersionState.of(each.state, problem := str(each.error or "")), problem)
            for each in found.versions()
        )
        if not statuses:
            raise UnknownVersion(model, None)
        return statuses

    def labelled(self, model: str, label: str, deadline_seconds: float) -> int:
        """Refuse: labels are a model server's."""
        raise UnknownLabel(model, label)

    def close(self) -> None:
        """Let the threads end."""
        self._closing.set()
        for model in self._models.values():
            model.stop()

    def _trim_often(self) -> None:
        while not self._closing.wait(_TRIM_SECONDS):
            memory.trim()
