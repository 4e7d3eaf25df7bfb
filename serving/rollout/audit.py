"""The audit log: who changed what, when and why, as JSON lines that survive a power failure."""

import json
import os
import pwd
import socket
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving.canary.evidence import Evidence


class AuditLog:
    """Appends lines to the file *path*, each with *common* members. Without a path nothing is written."""

    def __init__(self, path: Path | None, common: Mapping[str, Any]) -> None:
        self._path = path
        self._common = {**common, "who": _who()}

    def check(self) -> None:
        """Raise OSError if nothing can be written to the file."""
        if self._path:
            os.close(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644))

    def write(self, what: str, percent: float, why: str, evidence: Evidence | None = None) -> None:
        """Append a line, and sync it to the disk. Raise OSError."""
        if self._path is None:
            return
        told = {"what": what, "percent": percent, "why": why, "evidence": asdict(evidence) if evidence else None}
        line = json.dumps({"time": datetime.now(UTC).isoformat(), **self._common, **told}) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
            if stat.S_ISREG(os.fstat(descriptor).st_mode):  # not so is a pipe, such as /dev/stdout
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _who() -> str:
    name = str(os.getuid())
    with suppress(KeyError):  # a container's user may have no name
        name = pwd.getpwuid(os.getuid()).pw_name
    return f"{name}@{socket.gethostname()}:{os.getpid()}"
