"""What can compute models in a process: known by its package, without loading it."""

from importlib.util import find_spec

LITE, TENSORFLOW = "lite", "tensorflow"
_PACKAGES = {LITE: "ai_edge_litert", TENSORFLOW: "tensorflow"}


def is_installed(engine: str) -> bool:
    """Return whether LITE or TENSORFLOW is installed here."""
    return find_spec(_PACKAGES[engine]) is not None


def can_compute() -> bool:
    """Return whether any is."""
    return any(map(is_installed, _PACKAGES))
