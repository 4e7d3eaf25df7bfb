"""Row groups of Parquet files, decoded by a process of their own (`page_process`).

One process is started when the first file is opened, and reads one file after another; it ends with this one.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from serving.batch.arrow.page_process import ERRORS
from serving.batch.errors import BadInput, Unfinished
from serving.batch.extras import extra

_CRASHES = {
    signal.SIGABRT,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGSEGV,
    signal.SIGSYS,
    signal.SIGTRAP,
}
"""By which a library ends its own process. Other signals come from outside."""

_ENDING_SECONDS = 10
_idle: list["subprocess.Popen[bytes]"] = []
"""Processes whose file was closed; there is more than one only if several files were open at a time."""


class Pages:
    """The row group *group* of the file at *path*, called *name*; *columns* are its names, *rows* its number of rows.

    A file without row groups has no rows. Raises BadInput or OSError.
    """

    def __init__(self, name: str, path: str, group: int) -> None:
        self._name = name
        self._group = group
        extra("pyarrow", f"{name}: Parquet")  # or else a process would be started in vain
        self._process = _idle.pop() if _idle else _start()
        self._is_idle = self._is_closed = False
        try:
            reply = self._asked({"path": path if "://" in path else os.path.realpath(path), "name": name})
        except BaseException:
            self.close()
            raise
        self.columns: list[str] = reply["columns"]
        self._has_group = group < len(reply["groups"])
        self.rows: int = reply["groups"][group] if self._has_group else 0

    @property
    def pid(self) -> int:
        """The id of the process that reads."""
        return self._process.pid

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """Yield the record batches of some *columns*.

        Raises BadInput if the row group is damaged, Unfinished if the process that reads it is killed.
        """
        if not self._has_group:
            return
        reply = self._asked({"group": self._group, "columns": list(columns)})
        if reply["batches"]:
            arrow = extra("pyarrow", "Parquet")
            try:
                yield from arrow.ipc.open_stream(self._process.stdout)
            except (OSError, arrow.ArrowException) as error:
                raise self._lost() from error
            self._reply()

    def close(self) -> None:
        """Keep the process for the next file, or end it if it is still reading this one."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._is_idle:
            _idle.append(self._process)
        else:
            _end(self._process)

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin  # noqa: S101 - for mypy: it is a pipe
        self._is_idle = False
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._lost() from error
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout  # noqa: S101 - for mypy: it is a pipe
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._lost()
        reply: dict[str, Any] = json.loads(line)
        self._is_idle = not reply.get("batches")  # it waits for the next request, also after an error that it told
        if "error" in reply:
            raise ERRORS[reply["error"]](reply["says"])
        return reply

    def _lost(self) -> Exception:
        """Return the error that says how the process ended."""
        place = f"{self._name}, row group {self._group}"
        try:
            code = self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            return RuntimeError(f"{place}: expected record batches of the process that reads it, got other bytes")
        if code >= 0:
            return RuntimeError(f"{place}: the process that reads it ended with exit code {code}")
        ended = signal.Signals(-code)
        if ended in _CRASHES:
            return BadInput(
                f"{place}, can't be read: the Parquet library was ended there by {ended.name}. The file is probably "
                "damaged: write it again, or leave it out"
            )
        killed = f"{place}: the process that reads it was killed by {ended.name}"
        perhaps = ", perhaps because memory ran out" if ended == signal.SIGKILL else ""
        return Unfinished(f"{killed}{perhaps}; run the same command again")


def _start() -> "subprocess.Popen[bytes]":
    """Start a process, in a group of its own: signals for a terminal's foreground are for this one to handle."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "serving.batch.arrow.page_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    )
    atexit.register(_end_idle)
    return process


def _end_idle() -> None:
    while _idle:
        _end(_idle.pop())


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()
