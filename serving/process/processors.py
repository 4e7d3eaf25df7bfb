"""The number of processors."""

import os


def processors() -> int:
    """Return the number of processors that this process may use, as far as the system reports it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(processes: int) -> int:
    """Return the number of processors for each of *processes* that share them, at least one."""
    return max(1, processors() // processes)
