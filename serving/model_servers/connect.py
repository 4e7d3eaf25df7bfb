"""Connects to a model server. This is the only place that chooses the runtime in this process.

Each function imports what it needs: the client needs gRPC, the runtime LiteRT or TensorFlow, and each takes memory.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from serving.catalog import Contracts, ModelServer
from serving.model_servers.remote import RemoteServer
from serving.prediction.run_queue import RunQueue
from serving.registry.signing_keys import PublicKey
from serving.tfserving.client_tls import Tls

if TYPE_CHECKING:
    from serving.tfserving.client import CallTrace

OnRpc = Callable[[str, str, str, float], None]
"""Called with the model, method, gRPC status and seconds of each call."""


def remote(
    address: str,
    tls: Tls | None = None,
    trace: "CallTrace | None" = None,
    on_rpc: OnRpc = lambda model, method, code, seconds: None,
    run_queue: RunQueue | None = None,
) -> ModelServer:
    """Return a client of the model server at *address*. While it waits, other threads of *run_queue* run."""
    from serving.tfserving.client import ModelServerClient

    client = ModelServerClient(address, tls, trace, on_rpc)
    return RemoteServer(client, run_queue) if run_queue else client


def embedded(
    models_dir: Path,
    models: Sequence[str],
    at_once: int,
    on_rpc: OnRpc,
    contracts: Contracts,
    trusted: Sequence[PublicKey] = (),
    named: Callable[[str], Collection[int]] = lambda model: (),
) -> ModelServer:
    """Return a server in this process of the newest and the *named* versions of *models*.

    They are signed by one of *trusted* if it has any.
    """
    from serving.model_servers.embedded import EmbeddedServer

    return EmbeddedServer(models_dir, models, at_once, on_rpc, contracts, trusted, named)


def one_version(models_dir: Path, model: str, version: int | None) -> ModelServer:
    """Return a server in this process of one version, the newest if None. Raise CannotServe."""
    from serving.model_servers.one_version import OneVersionServer

    return OneVersionServer(models_dir, model, version)


def load_remote() -> None:
    """Load what `remote` needs, so that forked processes share it."""
    from serving.tfserving import client  # noqa: F401


def load_embedded(versions: Iterable[Path]) -> None:
    """Load what `embedded` needs for the *versions* in these folders, so that forked processes share it."""
    from serving.model_servers import embedded  # noqa: F401
    from serving.runtime.engine import load_libraries
    from serving.runtime.lean_tensorflow import skip_public_api

    skip_public_api()
    load_libraries(versions)
