"""Returns memory to the system: freed blocks, and pages of files that were needed only once."""

import ctypes
from pathlib import Path

_MADV_PAGEOUT = 21  # linux/mman.h; Python's mmap has no name for it


def trim() -> None:
    """Return the free memory that glibc keeps to the system; takes milliseconds. Other C libraries are left alone."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim:
        malloc_trim(0)


def page_out() -> None:
    """Drop the pages of files, such as libraries, that only this process has in memory; takes 0.1 s.

    They are read again when needed. Linux does this only for files that the process may write to.
    """
    maps = Path("/proc/self/maps")
    madvise = getattr(ctypes.CDLL(None), "madvise", None)
    if not madvise or not maps.exists():
        return
    for line in maps.read_text("utf-8", "replace").splitlines():
        span, permissions, _, _, inode, *_ = line.split()
        if inode != "0" and "w" not in permissions:
            start, end = (int(address, 16) for address in span.split("-"))
            madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_PAGEOUT)
