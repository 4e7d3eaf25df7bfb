"""Returns freed memory to the system, and says which process may be lost if there is too little."""

import ctypes
from contextlib import suppress
from pathlib import Path

_SCORE = Path("/proc/self/oom_score_adj")
_HIGHEST = 1000
_MORE = 500
"""Thousandths of the memory that there may be: the parent seems larger by the libraries that it has loaded."""


def trim() -> None:
    """Return the free memory that glibc keeps to the system; takes milliseconds. Other C libraries are left alone."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim:
        malloc_trim(0)


def be_killed_first() -> None:
    """Have the kernel kill this process rather than its parent when memory is used up; do nothing where it can't be."""
    with suppress(OSError, ValueError):
        _SCORE.write_text(str(min(_HIGHEST, int(_SCORE.read_text()) + _MORE)))
