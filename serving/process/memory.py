"""Returns freed memory to the system."""

import ctypes


def trim() -> None:
    """Return the free memory that glibc keeps to the system; takes milliseconds. Other C libraries are left alone."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim:
        malloc_trim(0)
