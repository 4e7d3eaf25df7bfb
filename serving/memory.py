"""Memory that was freed: the C library keeps what lies between blocks that are still used, for later."""

import ctypes


def trim() -> None:
    """Give it back to the system, where the C library is glibc; takes milliseconds."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim:
        malloc_trim(0)
