"""Model servers as processes: start one, wait until it listens, stop it."""

import contextlib
import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
GRPC_THREADS = 256
"""More than any test has calls at once. By default the original has 4 for each CPU, and refuses what is beyond."""


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Wait until `condition()` is true and return it; fail after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def free_port() -> int:
    """Return a free port below those that the system assigns, so that no other test's server or client is given it."""
    while True:
        port = random.SystemRandom().randrange(15_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Address:
    """Where a server is; `rest` is empty if it has no REST port."""

    grpc: str
    rest: str = ""

    def ask(self, verb: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send a REST request; returns the status and the body, parsed if it is JSON."""
        content = body if isinstance(body, bytes | str | None) else json.dumps(body)
        with contextlib.closing(http.client.HTTPConnection(self.rest, timeout=30)) as connection:
            connection.request(verb, path, content, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json" and text
            return answer.status, json.loads(text) if is_json else text


@dataclass(frozen=True)
class ServerProcess:
    """A server that a test started."""

    process: "subprocess.Popen[bytes]"
    port: int
    rest_port: int
    log: Path

    @property
    def address(self) -> Address:
        return Address(f"127.0.0.1:{self.port}", f"127.0.0.1:{self.rest_port}")

    def wait_until_open(self) -> None:
        def opened() -> bool:
            assert self.process.poll() is None, f"the server ended:\n{self.log.read_text()[-2000:]}"
            return listens(self.port) and listens(self.rest_port)

        wait_for(opened, "the server listens", START_SECONDS)

    def terminate(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@dataclass(frozen=True)
class Launcher:
    """Starts servers: ours, or the executable given."""

    binary: str | None
    folder: Path

    def start(self, *flags: str) -> ServerProcess:
        """Start a server without waiting for it."""
        own = [sys.executable, "-m", "serving.local_server", "--host=127.0.0.1"]
        port, rest_port = free_port(), free_port()
        log = self.folder / f"server-{port}.log"
        ports = [f"--port={port}", f"--rest_api_port={rest_port}", f"--grpc_max_threads={GRPC_THREADS}"]
        with log.open("wb") as output:
            command = [*([self.binary] if self.binary else own), *ports, *flags]
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        return ServerProcess(process, port, rest_port, log)

    @contextlib.contextmanager
    def running(self, *flags: str) -> Iterator[ServerProcess]:
        """Start a server, wait until it listens, and stop it at the end."""
        server = self.start(*flags)
        try:
            server.wait_until_open()
            yield server
        finally:
            server.process.kill()
            server.process.wait()
