"""The gateway's kind of gunicorn worker, over sockets: who keeps a connection, and that nobody waits for it."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from flask import Flask, request
from gunicorn.config import Config

from serving.gateway.accepting import register_can_answer
from serving.gateway.connections.limits import ConnectionLimits, register_connection_limits
from serving.gateway.drain import register_drain
from serving.gateway.middleware.log_limit import register_log_limit
from serving.gateway.middleware.logs import gunicorn_logger
from serving.gateway.scheduling import register_run_queue
from serving.gateway.worker import Worker
from tests.serving.fake_model_server import wait_until
from tests.stack import free_port

ROOT = Path(__file__).parents[3]
THREADS = 2
_handed_back = 0


class CountingWorker(Worker):
    """Counts how often a connection goes back to the poller; leaves one for long, as the machine may be busy."""

    leave_seconds = 1.0

    def run(self) -> None:
        self.cfg.__class__ = CountingConfig
        super().run()

    def finish_request(self, conn: Any, fs: Any) -> None:
        global _handed_back
        _handed_back += 1
        super().finish_request(conn, fs)


_entered: list[str] = []


def _enter(path: str) -> str:
    if path == "/full":
        return "the queue is full"
    _entered.append(path)
    return ""


app = Flask(__name__)
register_can_answer(app, lambda: not (hold := os.environ.get("HOLD")) or not os.path.exists(hold))
register_connection_limits(
    app,
    ConnectionLimits(
        max_connections=int(os.environ.get("LIMIT", "4096")),
        max_of_address=int(os.environ.get("OF_ADDRESS", "0")) or None,
        header_seconds=1.0,
        body_seconds=1.0,
        enter=lambda method, path: _enter(path),
        leave=lambda method, path: _entered.remove(path),
    ),
)
register_log_limit(app, lambda code, model: None)
register_drain(app, 0)
run_queue = register_run_queue(app, 10_000)  # whatever processors there are, one runs at a time


@app.get("/")
def handed_back() -> str:
    return str(_handed_back)


_looked_up = 0


class CountingConfig(Config):  # type: ignore[misc]
    """Counts the settings that gunicorn looks up in its table."""

    def __getattr__(self, name: str) -> Any:
        global _looked_up
        _looked_up += 1
        return super().__getattr__(name)


@app.get("/looked-up")
def looked_up() -> str:
    return str(_looked_up)


_released = threading.Event()


@app.get("/wait")
def wait() -> str:
    _released.wait(30)
    return ""


@app.get("/healthz")
def alive() -> str:
    return "ok"


@app.get("/readyz")
def release() -> str:
    _released.set()
    return "ok"


@app.get("/inside")
def inside() -> str:
    return ",".join(_entered)


@app.get("/pid")
def pid() -> str:
    return str(os.getpid())


@app.post("/")
def in_turn() -> bytes:
    """Answer with as many bytes as the body says."""
    count = int(request.get_data())
    run_queue.begin()
    return bytes(count)


def _failing(answer: WSGIApplication) -> WSGIApplication:
    """Fail where Flask does not see it."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/fails":
            raise ValueError
        return answer(environ, start_response)

    return application


app.wsgi_app = _failing(app.wsgi_app)  # type: ignore[assignment,method-assign]
GatewayLogger = gunicorn_logger("text", access_log=True)


@contextlib.contextmanager
def gunicorn(*options: str, limit: int | None = None) -> Iterator[int]:
    """Run it, with at most *limit* file descriptors; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", f"--worker-class={__name__}.CountingWorker", *options]
    command += [f"--bind=127.0.0.1:{port}", "--keep-alive=30", "--no-control-socket", "--log-level=warning"]
    prefix = ["prlimit", f"--nofile={limit}"] if limit else []
    process = subprocess.Popen([*prefix, *command, f"{__name__}:app"], cwd=ROOT)
    try:
        wait_until(lambda: _answers(port))
        yield port
    finally:
        process.terminate()
        assert process.wait(10) == 0


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with gunicorn(f"--threads={THREADS}") as port:
        yield port


def ask(connection: http.client.HTTPConnection, path: str = "/") -> int:
    connection.request("GET", path)
    return int(connection.getresponse().read())


def test_requests_that_follow_at_once_stay_in_their_thread(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        before = ask(connection)
        counts = [ask(connection) for _ in range(50)]

    assert counts[-1] - before <= 10  # on a machine so busy that one comes late; without lingering they are 50


def test_a_request_looks_up_no_settings(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        assert ask(connection, "/looked-up") == ask(connection, "/looked-up")


def test_a_connection_that_is_quiet_goes_back_and_is_still_served(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        counts = []
        for _ in range(4):
            counts.append(ask(connection))
            time.sleep(0.2)

    assert counts[-1] - counts[0] >= 3


def test_more_connections_than_threads_are_all_served(port: int) -> None:
    def ask_often(_: int) -> int:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            return len([ask(connection) for _ in range(30)])

    with ThreadPoolExecutor(4 * THREADS) as callers:
        assert list(callers.map(ask_often, range(4 * THREADS))) == [30] * 4 * THREADS


def test_requests_sent_in_one_go_are_all_answered(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.connect()
        connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3:
            part = connection.sock.recv(65536)
            assert part, received
            received += part


FULL = b"POST /full HTTP/1.1\r\nHost: a\r\n"


def test_a_refused_request_keeps_its_connection_and_those_behind_it_are_answered(port: int) -> None:
    many = FULL + b"\r\n"
    cut = FULL + b"Content-Length: 5\r\n\r\nGET /"
    chunked = FULL + b"Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n"
    last = b"GET /inside HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(many * 1500 + cut + chunked)
        sock.sendall(last)
        replies = received(sock)

    assert replies.count(b"HTTP/1.1 429 Too Many Requests\r\n") == 1502
    assert replies.count(b"Connection: keep-alive\r\n") == 1502
    assert replies.count(b"HTTP/1.1 200 OK\r\n") == 1
    assert replies.endswith(b"\r\n\r\n/inside")


@pytest.mark.parametrize(
    "request_", [FULL + b"Connection: close\r\n\r\n", FULL.replace(b"1.1", b"1.0") + b"\r\n"], ids=["asked", "HTTP/1.0"]
)
def test_a_refused_request_closes_its_connection_if_the_client_does_not_keep_it(port: int, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(request_)
        reply = received(sock)

    assert reply.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"Connection: close\r\n" in reply


@pytest.mark.parametrize(
    ("sent", "comes_back"),
    [
        (b"X-Request-ID: mine\r\n", True),
        (b"x-request-id: mine\r\nX-Request-ID: other\r\n", False),
        (b"X-Request-ID: a b\r\n", False),
        (b"", False),
    ],
)
def test_a_refusal_has_the_id_that_the_client_gave_the_request(port: int, sent: bytes, comes_back: bool) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(FULL + sent + b"Connection: close\r\n\r\n")
        reply = received(sock)

    (told,) = re.findall(rb"\r\nX-Request-ID: (.*?)\r\n", reply)
    assert told == b"mine" if comes_back else re.fullmatch(rb"[0-9a-f]{32}", told)
    assert json.loads(reply.partition(b"\r\n\r\n")[2])["request_id"] == told.decode()


def test_a_client_that_reads_no_refusals_is_closed(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock, contextlib.suppress(OSError):
        while True:
            sock.sendall((FULL + b"\r\n") * 1000)
    assert _answers(port)


def test_a_connection_is_for_the_worker_that_has_the_fewest() -> None:
    with gunicorn("--workers=2", "--threads=16") as port, contextlib.ExitStack() as stack:

        def connect() -> tuple[int, http.client.HTTPConnection]:
            connection = stack.enter_context(
                contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10))
            )
            return ask(connection, "/pid"), connection

        wait_until(lambda: len({connect()[0] for _ in range(4)}) == 2)

        connections = [connect() for _ in range(16)]
        first = connections[0][0]
        for pid, connection in connections:
            if pid == first:
                connection.close()
        time.sleep(1)  # until the worker has noticed
        assert {connect()[0] for _ in range(6)} == {first}

        os.kill(first, signal.SIGSTOP)
        try:
            assert first not in {connect()[0] for _ in range(3)}  # others don't wait for it for long
        finally:
            os.kill(first, signal.SIGCONT)


def test_a_worker_accepts_nothing_before_it_can_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = tmp_path / "hold"
    monkeypatch.setenv("HOLD", str(hold))

    def answering(port: int) -> int:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            return ask(connection, "/pid")

    with gunicorn("--workers=2", "--threads=4") as port:
        wait_until(lambda: len({answering(port) for _ in range(10)}) == 2)
        first, second = {answering(port) for _ in range(20)}
        hold.touch()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: second in {answering(port) for _ in range(5)})
        assert {answering(port) for _ in range(200)} == {second}
        hold.unlink()
        wait_until(lambda: len({answering(port) for _ in range(10)}) == 2)


@pytest.fixture(scope="module")
def slow_port() -> Iterator[int]:
    with gunicorn("--threads=2") as port:
        yield port


def received(sock: socket.socket) -> bytes:
    """Give all that comes until the other side closes."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def test_connections_that_send_nothing_or_little_hold_no_thread(slow_port: int) -> None:
    parts = [b"", b"GET", b"POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\n1234"]
    with contextlib.ExitStack() as stack:
        for part in parts * 50:
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", slow_port), timeout=10))
            sock.sendall(part)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", slow_port, timeout=10)) as connection:
            assert [ask(connection, "/pid") for _ in range(20)]


@pytest.mark.parametrize(
    ("sent", "part"),
    [(b"GET / HTTP/1.1\r\nX", b"head"), (b"POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\n1", b"body")],
)
def test_a_request_that_comes_too_slowly_is_a_408(slow_port: int, sent: bytes, part: bytes) -> None:
    with socket.create_connection(("127.0.0.1", slow_port), timeout=10) as sock:
        sock.sendall(sent)
        told = received(sock)
    assert told.startswith(b"HTTP/1.1 408 Request Timeout\r\n"), told
    assert b'"detail":"expected the %b of the request within 1 s' % part in told


def test_probes_are_answered_while_all_threads_are_busy(slow_port: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", slow_port), timeout=10))
            sock.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        for probe in ("/healthz", "/healthz", "/readyz"):  # the last releases the threads
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", slow_port, timeout=10)) as connection:
                connection.request("GET", probe)
                assert connection.getresponse().read() == b"ok"


def test_a_large_body_is_refused_before_it_is_sent(slow_port: int) -> None:
    with socket.create_connection(("127.0.0.1", slow_port), timeout=10) as sock:
        sock.sendall(b"POST /v2/models/x/infer HTTP/1.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
        told = received(sock)
    assert told.startswith(b"HTTP/1.1 413 "), told
    assert told.endswith(
        b'{"error":"expected a body of at most 16777216 bytes (MAX_BODY_BYTES), as sent and '
        b'decompressed, got 99999999"}'
    )


def test_the_longest_idle_connection_makes_room_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMIT", "3")
    with gunicorn("--threads=2") as port, contextlib.ExitStack() as stack:

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))

        first, *_ = [connect() for _ in range(5)]
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            assert ask(connection, "/pid")
        assert first.recv(1) == b""


def test_connections_of_one_address_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_ADDRESS", "3")
    with gunicorn("--threads=2") as port, contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        fourth = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        assert received(fourth).startswith(b"HTTP/1.1 429 Too Many Requests\r\n")


def test_a_worker_without_descriptors_goes_on() -> None:
    with gunicorn("--threads=2", limit=60) as port, contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            assert ask(connection, "/pid")


def test_a_request_that_fails_outside_of_the_application_is_answered() -> None:
    with gunicorn(f"--logger-class={__name__}.GatewayLogger") as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/fails")
        assert connection.getresponse().status == 500


def test_clients_that_are_slow_keep_nobody_waiting() -> None:
    """Neither one that doesn't send its body, nor one that doesn't read its answer."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n"
    with gunicorn("--threads=4") as port, contextlib.ExitStack() as stack:
        for sent in (head, head + b"30000000"):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)).sendall(sent)
        connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)))
        for _ in range(5):
            connection.request("POST", "/", "3")
            assert connection.getresponse().read() == bytes(3)


def _answers(port: int) -> bool:
    try:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            return ask(connection) >= 0
    except OSError:
        return False
