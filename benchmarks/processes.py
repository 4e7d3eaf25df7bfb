"""All processes of a server, also detached ones: they carry a mark in their environment."""

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.environments import ROOT

_MARK = "PLUMBLINE_BENCHMARK"
_STOP_SECONDS = 15.0


class Running:
    """A running server, with its log."""

    def __init__(self, mark: str, popen: "subprocess.Popen[bytes]", log: Path) -> None:
        self._mark = f"{_MARK}={mark}".encode()
        self._popen = popen
        self._log = log
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        """Id of its first process."""
        return self._popen.pid

    def ended(self) -> bool:
        """Return whether its first process has ended."""
        return self._popen.poll() is not None

    def last_lines(self, count: int = 15) -> str:
        """Return the last lines of its log."""
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-count:])

    def pids(self) -> list[int]:
        """Return its processes: those with the mark, and their descendants (some overwrite their environment)."""
        parents: dict[int, int] = {}
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    if self._mark in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        for ancestor in found:
            found += [pid for pid, parent in parents.items() if parent == ancestor and pid not in found]
        return found

    def memory_mb(self) -> float:
        """Return the proportional set size (PSS) of its processes: shared memory is counted once."""
        return sum(pss_mb(pid) for pid in self.pids())

    def anonymous_mb(self) -> float:
        """Return the part of that which is not pages of files, such as libraries: the kernel can reclaim those."""
        return sum(pss_mb(pid, "Pss_Anon") for pid in self.pids())

    def cpu_seconds(self) -> float:
        """Return the CPU time of its processes, which other load on the machine hardly changes."""
        return sum(cpu_seconds(pid) for pid in self.pids())

    def stop(self) -> None:
        """Terminate it, and kill what is left after some seconds."""
        self._popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_STOP_SECONDS)
        deadline = time.monotonic() + 3
        while self.pids() and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._popen.wait()


def pss_mb(pid: int, kind: str = "Pss") -> float:
    """Return a process's proportional set size in MB; 0 if it has ended."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) * 1024 / 1e6
    return 0.0


def cpu_seconds(pid: int) -> float:
    """Return a process's CPU time in seconds; 0 if it has ended."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, variables: Mapping[str, str], folder: Path = ROOT) -> Iterator[Running]:
    """Run *command* in *folder*, by default the repository's root, until the block ends."""
    mark = uuid.uuid4().hex
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2", **variables, _MARK: mark}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        popen = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT)
    server = Running(mark, popen, log)
    try:
        yield server
    finally:
        server.stop()
