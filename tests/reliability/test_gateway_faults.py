"""What callers get while workers of a gateway are lost, or the gateway itself is replaced."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from serving.client import Client
from serving.errors import PredictionError
from tests.reliability.conftest import Record
from tests.reliability.load import CALLERS, HttpCaller, Load
from tests.reliability.proxy import Proxy
from tests.reliability.servers import WORKERS, Gateway, in_process, stopped_at_the_end
from tests.reliability.versions import MODEL, ModelsFolder

LOAD = "8 callers, gateway that computes the models"


def test_a_killed_worker_costs_no_more_than_its_requests_in_flight(
    gateway: Gateway, seconds: float, record: Record
) -> None:
    kills = max(1, round(seconds))
    with gateway.load() as load:
        load.wait_for("right")
        for _ in range(kills):
            _kill_a_worker(gateway)
            ended = time.monotonic()
            load.wait_for("right")
        figures = load.recovered(ended)

    record(LOAD, f"{kills} times a worker killed", figures, lost=kills * CALLERS, told=load.told())
    assert figures.refused == 0, load.told()


class ClientCaller:
    """Asks by Plumbline's own client, which sends a request again whose connection was lost."""

    def __init__(self, url: str) -> None:
        self._client = Client(url)

    def ask(self, instance: Any) -> tuple[int, Mapping[str, Any] | str]:
        try:
            answer = self._client.predict(MODEL, instance)
        except PredictionError as error:
            return 0, repr(error)
        return 200, {"version": answer.version, "predictions": [answer.json]}

    def close(self) -> None:
        self._client.close()


@pytest.mark.whole_suite
def test_a_killed_worker_costs_nothing_by_the_own_client(
    gateway: Gateway, shared_models: ModelsFolder, seconds: float, record: Record
) -> None:
    kills = max(1, round(seconds))
    with Load(lambda: ClientCaller(gateway.stack.url), shared_models.truth) as load:
        load.wait_for("right")
        for _ in range(kills):
            _kill_a_worker(gateway)
            ended = time.monotonic()
            load.wait_for("right")
        figures = load.recovered(ended)

    record("8 callers with Plumbline's client", f"{kills} times a worker killed", figures, told=load.told())


def _kill_a_worker(gateway: Gateway) -> None:
    """Kill one, and wait until all are there again and answer."""
    before = gateway.workers
    os.kill(before[-1], signal.SIGKILL)
    gateway.stack.wait_until(lambda: len({*gateway.workers} - {*before}) == 1 and len(gateway.workers) == WORKERS)
    gateway.wait_until_ready()


@pytest.fixture
def two_gateways(models: ModelsFolder, tmp_path: Path) -> Iterator[list[Gateway]]:
    gateways = [Gateway(models, tmp_path / f"gateway-{number}.log", *in_process(models)) for number in range(2)]
    with stopped_at_the_end(*gateways):
        for each in gateways:
            each.wait_until_ready()
        yield gateways


@pytest.mark.whole_suite
def test_a_gateway_that_is_rolled_loses_nothing(
    two_gateways: list[Gateway], models: ModelsFolder, record: Record
) -> None:
    old, new = two_gateways
    with (
        Proxy(old.port) as balancer,
        Load(lambda: HttpCaller(("127.0.0.1", balancer.port)), models.truth) as load,
    ):
        load.wait_for("right")
        balancer.target = new.port  # as a load balancer does once the old one is not ready
        old.send(signal.SIGTERM)
        old.popen.wait(60)
        figures = load.recovered(time.monotonic())

    record("8 callers by a load balancer", "gateway replaced by another, the old one ended by SIGTERM", figures)
    assert figures.refused == 0, load.told()
