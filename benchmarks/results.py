"""Results as lines of JSON, one for each measurement; the first describes the machine."""

import json
import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT

Record = dict[str, Any]


class Results:
    """A file to which each record is appended as a line, so that an interrupted run keeps its results."""

    def __init__(self, path: Path, command: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        self.add("machine", **_machine(), command=command)

    def add(self, kind: str, **values: Any) -> None:
        """Append a record."""
        with self.path.open("a") as out:
            out.write(json.dumps({"kind": kind, **values}) + "\n")


def read_results(path: Path) -> list[Record]:
    """Return all records of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def of_kind(records: list[Record], kind: str) -> Iterator[Record]:
    """Return the records of one kind."""
    return (record for record in records if record["kind"] == kind)


def _machine() -> Record:
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    git = ["git", "describe", "--always", "--dirty"]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory * 1024 / 1e9),
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "python": platform.python_version(),
        "tensorflow": version("tensorflow"),
        "load_average": round(os.getloadavg()[0], 2),
        "revision": subprocess.run(git, cwd=ROOT, capture_output=True, text=True).stdout.strip(),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
