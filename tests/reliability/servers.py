"""The processes of a system under test: they can be killed, stopped and started again."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from serving.registry.server_config import models_config
from tests.reliability.load import HttpCaller, Load
from tests.reliability.versions import MODEL, ModelsFolder
from tests.stack import PLUMBLINE, READY_SECONDS, Stack, descendants, free_port

WORKERS = 2


class Server:
    """A process that is started by *command*, as often as needed, with *variables* in its environment."""

    def __init__(self, command: Sequence[str], log: Path, variables: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(variables or {})}
        self.log = log
        self.start()

    @property
    def pid(self) -> int:
        """The id of its first process."""
        return self.popen.pid

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(self._command, stdout=out, stderr=subprocess.STDOUT, env=self._environment)

    def kill(self) -> None:
        """End it at once, as the kernel would that has no memory left."""
        self.popen.kill()
        self.popen.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def stop(self) -> None:
        """End it in order, and whatever it started."""
        children = descendants(self.pid)
        self.popen.send_signal(signal.SIGCONT)
        self.popen.terminate()
        try:
            self.popen.wait(60)
        finally:
            for pid in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class ModelServer(Server):
    """Plumbline's own model server over a models folder, at a port that stays the same."""

    def __init__(self, models: ModelsFolder, log: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "serving.local_server", "--host=127.0.0.1", f"--port={self.port}"]
        config = log.with_suffix(".config")  # serves the newest two versions, as `plumbline models config` has it
        config.write_text(models_config([MODEL], str(models.path)))
        command += [f"--model_config_file={config}", "--file_system_poll_wait_seconds=0.5"]
        super().__init__(command, log)


class Gateway(Server):
    """`plumbline serve` with two workers, at a port that stays the same."""

    def __init__(
        self, models: ModelsFolder, log: Path, *options: str, variables: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.models = models
        command = [*PLUMBLINE, "serve", "--port", str(self.port), "--workers", str(WORKERS), *options]
        super().__init__(
            command, log, {"ACCESS_LOG": "off", "REFRESH_SECONDS": "0.5", "DRAIN_SECONDS": "1", **(variables or {})}
        )

    @property
    def stack(self) -> Stack:
        """What asks it other things than predictions."""
        return Stack(f"http://127.0.0.1:{self.port}", self.popen, self.log)

    @property
    def workers(self) -> list[int]:
        """The ids of its workers."""
        return descendants(self.pid)

    def load(self, per_second: float = math.inf) -> Load:
        """Return callers of it."""
        return Load(lambda: HttpCaller(("127.0.0.1", self.port)), self.models.truth, per_second=per_second)

    def wait_until_ready(self, version: int | None = None) -> None:
        """Wait until all workers answer with *version*, by default the newest."""
        wanted, deadline = version or self.models.newest, time.monotonic() + READY_SECONDS
        question = self.models.truth.questions[0]
        while {self._version(question) for _ in range(8 * WORKERS)} != {wanted}:
            assert self.popen.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def _version(self, question: Mapping[str, float]) -> int:
        with contextlib.suppress(OSError):
            reply = self.stack.post(f"/predict/{MODEL}", question)
            return int(reply.json()["version"]) if reply.status == 200 else 0
        return 0


def in_process(models: ModelsFolder) -> tuple[str, ...]:
    """Return the options of a gateway that computes the models itself."""
    return ("--models-dir", str(models.path), "--models", MODEL)


def with_model_server(address: str) -> tuple[str, ...]:
    """Return the options of a gateway that asks a model server."""
    return ("--models", MODEL, "--model-server", address)


@contextlib.contextmanager
def stopped_at_the_end(*servers: Server) -> Iterator[None]:
    """Stop the servers when the block ends, the first of them first."""
    with contextlib.ExitStack() as stack:
        for server in reversed(servers):
            stack.callback(server.stop)
        yield
