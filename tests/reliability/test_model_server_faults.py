"""What callers of a gateway get while its model server is lost, hangs, is slow or can't be reached."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.conftest import Record
from tests.reliability.proxy import Proxy
from tests.reliability.servers import Gateway, ModelServer, stopped_at_the_end, with_model_server
from tests.reliability.versions import ModelsFolder

LOAD = "8 callers, gateway and model server"
FAST_SECONDS = 10.0
"""How long a refusal may take here, on a machine with other work."""


@pytest.fixture(scope="module")
def proxy(model_server: ModelServer) -> Iterator[Proxy]:
    with Proxy(model_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def gateway(shared_models: ModelsFolder, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose model server is behind a proxy."""
    log = tmp_path_factory.mktemp("gateway") / "gateway.log"
    server = Gateway(shared_models, log, *with_model_server(f"127.0.0.1:{proxy.port}"))
    with stopped_at_the_end(server):
        server.wait_until_ready()
        yield server


def test_a_killed_model_server_is_a_refusal_until_it_is_back(
    gateway: Gateway, model_server: ModelServer, seconds: float, record: Record
) -> None:
    with gateway.load() as load:
        load.wait_for("right")
        model_server.kill()
        load.wait_for("refused")
        load.go_on(seconds)
        model_server.start()
        gateway_sees = _until_it_listens(model_server)
        figures = load.recovered(gateway_sees)

    record(LOAD, "model server killed; back after some seconds", figures, told=load.told())
    assert figures.slowest_refusal < FAST_SECONDS


def test_a_model_server_that_is_replaced_in_order_is_missed_only_while_it_starts(
    gateway: Gateway, model_server: ModelServer, record: Record
) -> None:
    with gateway.load() as load:
        load.wait_for("right")
        model_server.stop()
        model_server.start()
        figures = load.recovered(_until_it_listens(model_server))

    record(LOAD, "model server restarted by SIGTERM", figures, told=load.told())
    assert figures.slowest_refusal < FAST_SECONDS


def test_a_model_server_that_hangs_is_a_refusal_until_it_goes_on(
    gateway: Gateway, model_server: ModelServer, seconds: float, record: Record
) -> None:
    with gateway.load() as load:
        load.wait_for("right")
        model_server.send(signal.SIGSTOP)
        load.wait_for("refused")
        load.go_on(seconds)
        model_server.send(signal.SIGCONT)
        figures = load.recovered(time.monotonic())

    record(LOAD, "model server stopped (SIGSTOP)", figures, told=load.told())
    assert figures.slowest_refusal < FAST_SECONDS


def test_a_slow_model_server_makes_answers_slow_and_no_more(
    gateway: Gateway, proxy: Proxy, seconds: float, record: Record
) -> None:
    with gateway.load() as load:
        load.wait_for("right")
        proxy.delay_seconds = 0.1
        load.go_on(seconds)
        load.wait_for("right")
        proxy.delay_seconds = 0.0
        figures = load.recovered(time.monotonic())

    record(LOAD, "model server slow: 0.1 s more each way", figures, told=load.told())
    assert figures.refused == 0


def test_a_model_server_that_can_not_be_reached_is_a_refusal_until_it_can(
    gateway: Gateway, proxy: Proxy, seconds: float, record: Record
) -> None:
    with gateway.load() as load:
        load.wait_for("right")
        proxy.cut()
        load.wait_for("refused")
        load.go_on(seconds)
        proxy.mend()
        figures = load.recovered(time.monotonic())

    record(LOAD, "connections to the model server cut, new ones refused", figures, told=load.told())
    assert figures.slowest_refusal < FAST_SECONDS


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
@pytest.mark.whole_suite
def test_the_other_of_two_model_servers_answers_everything(
    models: ModelsFolder, tmp_path: Path, seconds: float, record: Record, fault: signal.Signals
) -> None:
    servers = [ModelServer(models, tmp_path / f"server-{number}.log") for number in range(2)]
    address = "ipv4:" + ",".join(f"127.0.0.1:{server.port}" for server in servers)
    gateway = Gateway(models, tmp_path / "gateway.log", *with_model_server(address))
    with stopped_at_the_end(gateway, *servers):
        gateway.wait_until_ready()
        with gateway.load() as load:
            load.wait_for("right")
            servers[0].send(fault)
            load.go_on(seconds)
            load.wait_for("right")
            if fault == signal.SIGKILL:
                servers[0].popen.wait()
                servers[0].start()
            else:
                servers[0].send(signal.SIGCONT)
            figures = load.recovered(time.monotonic())

    record("8 callers, gateway and two model servers", f"one of them {fault.name}", figures, told=load.told())
    assert figures.refused == 0, load.told()


def _until_it_listens(server: ModelServer) -> float:
    """Wait until the server takes connections and has the model, and return that time."""
    import grpc

    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        grpc.channel_ready_future(channel).result(60)
    return time.monotonic()
