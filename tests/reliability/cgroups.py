"""A control group that limits the memory of processes, where one may be made."""

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryGroup:
    """A control group, of version 2 or 1."""

    path: Path

    @property
    def _is_second(self) -> bool:
        return (self.path / "memory.max").exists()

    def add(self, pid: int) -> None:
        """Add a process; those that it starts later are in the group too."""
        (self.path / "cgroup.procs").write_text(str(pid))

    def limit(self, size: int) -> None:
        """Limit the group's memory to so many bytes."""
        (self.path / ("memory.max" if self._is_second else "memory.limit_in_bytes")).write_text(str(size))

    def used(self) -> int:
        """Return the bytes that are used now."""
        return int((self.path / ("memory.current" if self._is_second else "memory.usage_in_bytes")).read_text())

    def kills(self) -> int:
        """Return how many processes the kernel has killed for the limit."""
        events = (self.path / ("memory.events" if self._is_second else "memory.oom_control")).read_text()
        return int(next(line.split()[1] for line in events.splitlines() if line.startswith("oom_kill ")))


@contextlib.contextmanager
def memory_group() -> Iterator[MemoryGroup]:
    """Make a group for the block; skip the test where that is not allowed."""
    parent = _ROOT / "memory" if (_ROOT / "memory").is_dir() else _ROOT
    group = MemoryGroup(parent / f"plumbline-{uuid.uuid4().hex}")
    try:
        group.path.mkdir()
        group.kills()
        group.limit(2**40)
    except (OSError, StopIteration) as error:
        with contextlib.suppress(OSError):
            group.path.rmdir()
        pytest.skip(f"a control group with a memory limit can't be made: {error!r}")
    try:
        yield group
    finally:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:  # its processes have ended, but may not be gone yet
            with contextlib.suppress(OSError):
                os.rmdir(group.path)
                break
            time.sleep(0.1)
