"""Everything is replaced one by one under load, in the order of docs/planned-work.md, and no request is lost."""

import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from serving.registry import scan
from serving.registry.versions import CONTRACT
from tests.conformance.servers import listens, wait_for
from tests.serving.gateway.test_schema_roll_over import (
    EARLIER,
    LATER,
    MODEL,
    SCHEMA_1,
    Callers,
    model_server,
    publish_contract,
)
from tests.stack import PLUMBLINE, Reply, Stack, free_port, process


class Service:
    """What a Service of Kubernetes does: requests go by turns to the gateways that are ready."""

    def __init__(self) -> None:
        self._gateways: list[Stack] = []
        self._turns = itertools.count()

    def add(self, gateway: Stack) -> None:
        gateway.wait_for("/readyz", lambda reply: reply.status == 200)
        self._gateways = [*self._gateways, gateway]

    def remove(self, gateway: Stack) -> None:
        self._gateways = [each for each in self._gateways if each is not gateway]

    def post(self, path: str, body: object) -> Reply:
        gateways = self._gateways
        return gateways[next(self._turns) % len(gateways)].post(path, body)

    def wait_until(self, done: Any) -> None:
        self._gateways[0].wait_until(done)


class Cluster:
    """Gateways behind a Service, and model servers at addresses that all gateways know."""

    def __init__(self, folder: Path, models_dir: Path) -> None:
        self.service = Service()
        self.ports = [free_port() for _ in range(3)]
        self._folder = folder
        self._models_dir = models_dir
        self._running = ExitStack()

    def start_gateway(self) -> tuple[Stack, ExitStack]:
        port, own = free_port(), self._running.enter_context(ExitStack())
        targets = ",".join(f"127.0.0.1:{each}" for each in self.ports)
        command = [*PLUMBLINE, "serve", "--models", MODEL, "--port", str(port), "--model-server", f"ipv4:{targets}"]
        log = self._folder / f"gateway-{port}.log"
        gateway = Stack(f"http://127.0.0.1:{port}", own.enter_context(process(command, log)), log)
        self.service.add(gateway)
        return gateway, own

    def replace_gateway(self, gateway: Stack, own: ExitStack) -> None:
        """As a roll-out does: a new one is ready before the old one is told to end."""
        self.start_gateway()
        self.service.remove(gateway)
        own.close()

    def start_server(self, port: int) -> ExitStack:
        own = self._running.enter_context(ExitStack())
        own.enter_context(process(model_server(self._models_dir, port), self._folder / f"server-{port}.log"))
        wait_for(lambda: listens(port), "the model server has loaded its models", 120)
        return own

    def close(self) -> None:
        self._running.close()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Cluster, Path]]:
    monkeypatch.setenv("ACCESS_LOG", "off")
    monkeypatch.setenv("WORKERS", "1")
    monkeypatch.setenv("DRAIN_SECONDS", "1")
    models_dir = tmp_path / "models"
    models_dir.mkdir()
    publish_contract(models_dir, EARLIER, json.dumps(SCHEMA_1["contract"]))
    cluster = Cluster(tmp_path, models_dir)
    yield cluster, models_dir
    cluster.close()


def test_gateways_then_model_servers_then_models_are_replaced_and_no_request_is_lost(
    cluster: tuple[Cluster, Path],
) -> None:
    running, models_dir = cluster
    first, second, third = running.ports
    servers = [running.start_server(port) for port in (first, second)]
    gateways = [running.start_gateway() for _ in range(2)]

    with Callers(running.service) as callers:
        callers.wait_for(1)
        for gateway, own in gateways:
            running.replace_gateway(gateway, own)
            callers.wait_for(1)
        for old, new in zip(servers, (third, first), strict=True):
            running.start_server(new)
            old.close()
            callers.wait_for(1)
        publish_contract(models_dir, LATER, LATER.to_json())
        callers.wait_for(2)

    assert callers.wrong[:3] == []
    schemas = [json.loads((path / CONTRACT).read_bytes())["schema"] for path in scan(models_dir / MODEL).values()]
    assert schemas == [1, 2]
