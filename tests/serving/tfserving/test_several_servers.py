"""The client before several model servers, of which some come, go, hang or fail."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import grpc
import numpy as np
import pytest

from serving.errors import ModelServerError, PredictionError
from serving.tfserving import connection
from serving.tfserving.client import ModelServerClient
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, in_a_process, wait_until
from tests.serving.tfserving.name_server import name_server

IDS = {"ids": np.ones((1, 16), np.int32)}


@pytest.fixture
def two_servers() -> Iterator[list[FakeModelServer]]:
    """Two servers at two addresses with one port, as behind one name."""
    first = FakeModelServer().start()
    second = FakeModelServer(host="127.0.0.2", port=first.port).start()
    for server in (first, second):
        server.publish(text_contract())
    yield [first, second]
    for server in (first, second):
        server.stop()


def target(servers: list[FakeModelServer]) -> str:
    return "ipv4:" + ",".join(server.address for server in servers)


def asked_while(
    client: ModelServerClient, act: Callable[[], None], callers: int = 8, features: dict[str, np.ndarray] = IDS
) -> tuple[list[Exception], float]:
    """Call all the time while *act* runs: gives what went wrong, and the longest time that a call took."""
    done, wrong, longest = threading.Event(), [], [0.0]

    def ask() -> None:
        while not done.is_set():
            start = time.monotonic()
            try:
                client.predict("sentiment", 1, features, 5)
            except PredictionError as error:
                wrong.append(error)
            longest.append(time.monotonic() - start)

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        act()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    return wrong, max(longest)


@pytest.mark.parametrize("rows", [1, 10_000], ids=["small", "larger than gRPC's usual limit for a retry"])
def test_a_server_that_is_killed_under_load_loses_no_call(rows: int) -> None:
    with in_a_process(delay_seconds=0.01) as (one, _), in_a_process(delay_seconds=0.01) as (other, process):
        client = ModelServerClient(f"ipv4:{one},{other}")

        def kill() -> None:
            time.sleep(0.3)
            process.kill()
            time.sleep(0.5)

        wrong, _ = asked_while(client, kill, 8, {"ids": np.ones((rows, 16), np.int32)})
        client.close()
    assert wrong == []


def test_a_server_that_hangs_is_noticed_and_its_calls_go_elsewhere() -> None:
    with in_a_process() as (one, _), in_a_process() as (other, process):
        client = ModelServerClient(f"ipv4:{one},{other}")

        def hang() -> None:
            time.sleep(0.3)
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(3.5)

        wrong, longest = asked_while(client, hang)
        start = time.monotonic()
        for _ in range(20):
            client.predict("sentiment", 1, IDS, 5)
        assert time.monotonic() - start < 1
        client.close()
    assert wrong == []
    assert 1 < longest < 4.5


def test_a_server_that_fails_is_left_out_after_a_while(two_servers: list[FakeModelServer]) -> None:
    client = ModelServerClient(target(two_servers))
    two_servers[0].failure = (grpc.StatusCode.INTERNAL, "out of memory")

    def ask() -> bool:
        before = len(two_servers[0].rows)
        for _ in range(10):
            with contextlib.suppress(ModelServerError):
                client.predict("sentiment", 1, IDS, 5)
        return len(two_servers[0].rows) == before

    assert not ask()
    wait_until(ask)
    client.close()


def test_a_server_that_is_added_is_found_and_one_that_is_taken_away_forgotten(
    two_servers: list[FakeModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FRESH_SECONDS", 0.2)
    first, second = two_servers
    addresses = [first.host]
    with name_server(addresses) as dns:
        client = ModelServerClient(f"dns://{dns}/models.test:{first.port}")

        def only(used: FakeModelServer, other: FakeModelServer) -> bool:
            return all(uses(client, used, other) == (True, False) for _ in range(3))

        assert only(first, second)
        addresses.append(second.host)
        wait_until(lambda: uses(client, first, second) == (True, True))
        addresses.remove(first.host)
        wait_until(lambda: only(second, first))
        addresses.clear()  # a name server without an answer is no reason to forget what there is
        assert all(uses(client, second, first) == (True, False) for _ in range(5))
        client.close()


def uses(client: ModelServerClient, *servers: FakeModelServer) -> tuple[bool, ...]:
    """Which of the servers get something of some calls, while the client does what the catalog's thread makes it do."""
    before = [len(server.rows) for server in servers]
    client.versions("sentiment", 5)
    time.sleep(0.05)
    for _ in range(6):
        client.predict("sentiment", 1, IDS, 5)
    return tuple(len(server.rows) > count for server, count in zip(servers, before, strict=True))


def test_a_channel_that_is_replaced_finishes_its_calls(
    two_servers: list[FakeModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FRESH_SECONDS", 0.0)
    client = ModelServerClient(target(two_servers))
    for server in two_servers:
        server.delay_seconds = 0.05

    def replace() -> None:
        for _ in range(20):
            client.versions("sentiment", 5)
            time.sleep(0.02)

    wrong, _ = asked_while(client, replace)
    client.close()
    assert wrong == []
