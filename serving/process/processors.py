"""How many processors there are."""

import os


def processors() -> int:
    """Count those that this process may use, as far as the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(processes: int) -> int:
    """Give how many are there for each of *processes* that use the same, at least one."""
    return max(1, processors() // processes)
