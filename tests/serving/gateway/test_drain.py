"""A gateway that is told to end, by real signals to real gunicorn, while it is asked."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_serve import TEXT, Running

JSON = {"Content-Type": "application/json"}


@contextmanager
def gateway(address: str, folder: Path, seconds: str) -> Iterator[Running]:
    folder.mkdir()
    running = Running(address, folder, folder / "log", MODELS="sentiment", DRAIN_SECONDS=seconds, DEADLINE_SECONDS="30")
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.fixture
def draining(model_server: FakeModelServer, tmp_path: Path) -> Iterator[Running]:
    """A gateway that takes its time."""
    model_server.publish(text_contract())
    with gateway(model_server.address, tmp_path / "one", "3") as running:
        wait_until(running.ready)
        wait_until(lambda: len(running.workers()) == 2)
        yield running


def test_it_is_not_ready_first_and_answers_on(draining: Running) -> None:
    kept = http.client.HTTPConnection("127.0.0.1", draining.port, timeout=10)
    kept.request("POST", "/predict/sentiment", TEXT, JSON)
    assert kept.getresponse().read()
    start = time.monotonic()
    draining.process.terminate()
    wait_until(lambda: draining.log.count("draining for 3 s") == 2)
    for path in ("/readyz", "/v2/health/ready"):
        status, body = draining.ask("GET", path)
        assert (status, json.loads(body)["ready"]) == (503, False)
    assert json.loads(draining.ask("GET", "/readyz")[1])["draining"]
    assert draining.ask("GET", "/healthz")[0] == 200
    assert draining.predict() == 200
    kept.request("POST", "/predict/sentiment", TEXT, JSON)
    reply = kept.getresponse()
    assert (reply.status, reply.headers["Connection"]) == (200, "close")
    kept.close()
    assert draining.process.wait(20) == 0
    assert time.monotonic() - start >= 3


def test_what_is_under_way_at_its_end_is_finished(draining: Running, model_server: FakeModelServer) -> None:
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(draining.predict())) for _ in range(4)]
    draining.process.terminate()
    wait_until(lambda: draining.log.count("draining for 3 s") == 2)
    model_server.delay_seconds = 4.0  # longer than it drains
    for thread in threads:
        thread.start()
    assert draining.process.wait(20) == 0
    for thread in threads:
        thread.join(20)
    assert statuses == [200] * 4


def test_a_roll_over_of_gateways_under_load_loses_no_request(model_server: FakeModelServer, tmp_path: Path) -> None:
    """Callers go where it is ready, as a load balancer does, and keep their connections."""
    model_server.publish(text_contract())
    seen: list[tuple[int, int]] = []  # port, status
    lost: list[BaseException] = []
    done = threading.Event()
    with ExitStack() as stack:
        old = stack.enter_context(gateway(model_server.address, tmp_path / "old", "3"))
        new = stack.enter_context(gateway(model_server.address, tmp_path / "new", "0"))
        for each in (old, new):
            wait_until(each.ready)
        chosen = [old]

        def balance() -> None:
            while not done.wait(0.1):
                chosen[0] = old if old.ready() else new

        def ask() -> None:
            connections: dict[int, http.client.HTTPConnection] = {}
            while not done.is_set():
                port = chosen[0].port
                connection = connections.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=10))
                try:
                    connection.request("POST", "/predict/sentiment", TEXT, JSON)
                    reply = connection.getresponse()
                    reply.read()
                    seen.append((port, reply.status))
                except OSError as error:
                    lost.append(error)
                    connection.close()
            for connection in connections.values():
                connection.close()

        threads = [threading.Thread(target=balance), *(threading.Thread(target=ask) for _ in range(6))]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: len(seen) > 200)
            old.process.terminate()
            code = old.process.wait(30)
            count = len(seen)
            wait_until(lambda: len(seen) > count + 200)
        finally:
            done.set()
            for thread in threads:
                thread.join(20)
    assert code == 0
    assert lost == []
    assert Counter(status for _, status in seen) == {200: len(seen)}
    assert {port for port, _ in seen} == {old.port, new.port}


def test_a_second_signal_ends_it_at_once(model_server: FakeModelServer, tmp_path: Path) -> None:
    model_server.publish(text_contract())
    with gateway(model_server.address, tmp_path / "one", "600") as running:
        wait_until(running.ready)
        running.process.terminate()
        wait_until(lambda: running.log.count("draining for 600 s") == 2)
        running.process.send_signal(2)
        assert running.process.wait(20) == 0
