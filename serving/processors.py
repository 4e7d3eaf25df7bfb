"""How many processors there are for this process."""

import os


def processors() -> int:
    """Count those that it may use, as far as the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
