"""The whole system as a user starts it: `plumbline up` in a process of its own, on free ports."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

PLUMBLINE = (sys.executable, "-m", "serving")
READY_SECONDS = 120


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes

    def json(self):
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Stack:
    url: str
    process: subprocess.Popen
    log: Path

    def get(self, path: str) -> Reply:
        return self._ask(urllib.request.Request(self.url + path))

    def post(
        self, path: str, body: bytes | object, media_type: str = "application/json", request_id: str = ""
    ) -> Reply:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"Content-Type": media_type, **({"X-Request-ID": request_id} if request_id else {})}
        return self._ask(urllib.request.Request(self.url + path, data, headers))

    def _ask(self, request: urllib.request.Request) -> Reply:
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return Reply(reply.status, reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read())

    def wait_for(self, path: str, wanted) -> None:
        """Ask until *wanted* holds of the reply."""

        def asked() -> bool:
            with contextlib.suppress(OSError):
                return wanted(self.get(path))
            return False

        self.wait_until(asked)

    def wait_until(self, done) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not done():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def children(self) -> list[int]:
        return descendants(self.process.pid)


@contextlib.contextmanager
def running(models_dir: Path, folder: Path, *options: str) -> Iterator[Stack]:
    port = free_port()
    command = [*PLUMBLINE, "up", "--models-dir", str(models_dir), "--port", str(port), *options]
    with process([*command, "--model-server-port", str(free_port())], folder / "up.log") as up:
        stack = Stack(f"http://127.0.0.1:{port}", up, folder / "up.log")
        stack.wait_until(lambda: "Ctrl-C stops it" in stack.log.read_text())
        yield stack


@contextlib.contextmanager
def process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen]:
    with log.open("ab") as out:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        started = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(60)


def free_port() -> int:
    """Return a free port below those that the system assigns, so that no other test's server or client is given it."""
    while True:
        port = random.SystemRandom().randrange(15_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def descendants(pid: int) -> list[int]:
    """List the live processes below *pid*, from /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in parents.items() if parent == ancestor]
    return found[1:]
