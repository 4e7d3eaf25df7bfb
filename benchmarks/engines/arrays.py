"""Named arrays in a file, for processes that have nothing in common but NumPy."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = dict[str, Array]


def write_arrays(file: Path, arrays: Arrays) -> None:
    """Write a file of NumPy's. Raise ValueError for objects, such as texts."""
    named: dict[str, Any] = {**arrays}
    np.savez(file, allow_pickle=False, **named)


def read_arrays(file: Path) -> Arrays:
    """Return what `write_arrays` wrote."""
    with np.load(file) as arrays:
        return dict(arrays)
