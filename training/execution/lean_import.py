"""Imports TensorFlow without the packages that Keras imports where they happen to be installed."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

OPTIONAL = ("matplotlib", "pandas", "scipy", "sklearn")
"""Keras can do without: it has a wrapper for scikit-learn, reads DataFrames, draws pictures. Jobs do none of this."""


@contextlib.contextmanager
def lean_import() -> Iterator[None]:
    """Let nothing that the block imports find OPTIONAL. After it, who needs them imports them as ever.

    With all four installed, they take a third of the time that TensorFlow's import takes, and 130 MB.
    """
    # None is Python's own way of saying that there is no such module.
    hidden: dict[str, Any] = {name: None for name in OPTIONAL if name not in sys.modules}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
