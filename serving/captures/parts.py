"""The files that captures are kept in: their names, and how a whole one is written here.

    <model>/captures/2026-11-29/101112-<host>-<pid>-<n>.jsonl.gz

A part is named after the UTC second of its first line, and appears whole: whoever lists a folder ignores names that
begin with a dot. Parts of shadows' answers and of feedback have names of the same form in `shadows/` and `feedback/`.
"""

import gzip
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from serving.process import durable_files

CAPTURES = "captures"
SHADOWS = "shadows"
FEEDBACK = "feedback"
SUFFIX = ".jsonl.gz"
WRITTEN = (CAPTURES, SHADOWS)
"""The kinds that gateways write on their own, and whose size is limited: feedback must not be lost."""
MOST_PART_SECONDS = 3600
"""No line of a part is later than this after its first."""

LEVEL = 1  # a fifth larger than at level 6, in a third of the processor time
_NAME = re.compile(
    r"(?P<model>[^/]+)/(?P<kind>captures|shadows|feedback)/(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})/"
    r"(?P<time>[0-9]{6})-(?P<host>[A-Za-z0-9._-]+)-(?P<pid>[0-9]+)-(?P<n>[0-9]+)\.jsonl\.gz"
)
_numbers = count()


@dataclass(frozen=True)
class PartName:
    """The name of a part of *model* and *kind*, which process *pid* of *host* began at *time* as its part *number*."""

    model: str
    kind: str
    time: datetime
    host: str
    pid: int
    number: int

    @classmethod
    def new(cls, model: str, kind: str, time: datetime) -> "PartName":
        """Return a name that no part has: this process gives each number once."""
        host = re.sub(r"[^A-Za-z0-9._-]", "_", socket.gethostname())[:64].lstrip(".") or "host"
        return cls(model, kind, time.astimezone(UTC).replace(microsecond=0), host, os.getpid(), next(_numbers))

    @property
    def path(self) -> str:
        """The path below the folder or URL of all captures."""
        ending = f"{self.host}-{self.pid}-{self.number}{SUFFIX}"
        return f"{self.model}/{self.kind}/{self.time:%Y-%m-%d}/{self.time:%H%M%S}-{ending}"

    @classmethod
    def of(cls, path: str) -> "PartName | None":
        """Read the end of a path; None if it is not that of a part, such as of one that is not whole yet."""
        found = _NAME.fullmatch("/".join(path.rsplit("/", 4)[-4:]))
        try:
            time = datetime.strptime(f"{found['day']} {found['time']}", "%Y-%m-%d %H%M%S") if found else None
        except ValueError:
            return None
        if found is None or time is None:
            return None
        ids = int(found["pid"]), int(found["n"])
        return cls(found["model"], found["kind"], time.replace(tzinfo=UTC), found["host"], *ids)

    def may_hold(self, since: datetime | None, until: datetime | None) -> bool:
        """Return whether a line of the part may be in the window from *since* to *until*."""
        last = self.time + timedelta(seconds=MOST_PART_SECONDS)
        slack = timedelta(seconds=1)  # lines are in the order in which they came to the file, not quite in time's
        return (since is None or last + slack >= since) and (until is None or self.time - slack < until)


def write_part(folder: Path, name: PartName, lines: Iterable[str]) -> Path:
    """Write a whole part below *folder*, synced to the disk, and return its path; raises OSError."""
    path = folder / name.path
    path.parent.mkdir(parents=True, exist_ok=True)
    data = packed("".join(f"{line}\n" for line in lines).encode())
    durable_files.replace_by(aside_of(path), path, lambda file: file.write(data))
    return path


def aside_of(path: Path) -> Path:
    """Return the name of a part while it is not whole."""
    return path.with_name(f".{path.name}")


def packed(data: bytes) -> bytes:
    """Return a gzip stream, which others may follow in the same file."""
    return gzip.compress(data, LEVEL, mtime=0)
