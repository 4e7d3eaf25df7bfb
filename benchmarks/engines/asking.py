"""A process with one engine and one model, which is asked for measurements."""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT
from benchmarks.processes import pss_mb

_SECONDS = 20.0
"""The longest wait for an answer."""
_LAST_CHARACTERS = 500


class Failed(Exception):
    """The process ended, or gave no answer; the text is why."""


class Worker:
    """The process; *start_seconds* went by from its start to its first answer of the model."""

    def __init__(self, command: Sequence[str | Path], log: Path) -> None:
        self._log = log
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
        started = time.monotonic()
        with log.open("w") as out:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True
            )
        try:
            self._answer()
        except Failed:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - started

    def ask(self, do: str, **what: Any) -> dict[str, float]:
        """Have it do something; return its answer. Raise Failed."""
        with contextlib.suppress(BrokenPipeError):  # then no answer comes
            print(json.dumps({"do": do, **what}), file=self._process.stdin, flush=True)
        return self._answer()

    def memory(self) -> dict[str, float]:
        """Return the most memory that was resident, and what is no page of a file, in MB (a million bytes)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
        return {"peak_mb": peak * 1024 / 1e6, "anonymous_mb": pss_mb(self._process.pid, "Anonymous")}

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> dict[str, float]:
        out = self._process.stdout
        assert out  # noqa: S101 - for mypy: a pipe
        ready, _, _ = select.select([out], [], [], _SECONDS)  # it says a line for a line: none waits in a buffer
        line = out.readline() if ready else ""
        if not line:
            why = "it ended" if ready else f"no answer in {_SECONDS:.0f} s"
            said = self._log.read_text("utf-8", "replace")[-_LAST_CHARACTERS:].strip()
            raise Failed(f"{why}: {said}" if said else why)
        answer: dict[str, float] = json.loads(line)
        return answer


@contextlib.contextmanager
def working(command: Sequence[str | Path], log: Path) -> Iterator[Worker]:
    """Run a worker until the block ends. Raise Failed."""
    worker = Worker(command, log)
    try:
        yield worker
    finally:
        worker.stop()
