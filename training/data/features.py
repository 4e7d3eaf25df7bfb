"""The features of many instances, prepared as the gateway prepares them, in memory that TensorFlow reads in place.

Large ones are in a file that is mapped into memory: however many there are, only what is being read takes space.
"""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from serving.contract import Record, Rows
from serving.contract.arrays import Array, Features, TensorSpec
from serving.contract.faults import Faults
from training.data.datasets import Instance, plain
from training.data.instances import Lazy, Numbers, Selected, walk
from training.data.scratch import new_memory
from training.errors import UnusableData

LARGE = 8 << 20
"""Arrays of more bytes than this are in a file."""
_PIECE = 1 << 20
"""Bytes of features that are made at a time."""
_ALIGNMENT = 64
"""Alignment of memory that TensorFlow computes on, in bytes."""


def prepare(record: Record, instances: Sequence[Instance]) -> Features:
    """Return the features of raw instances, which `tensor_of` takes without a copy. Raises UnusableData."""
    features = {name: _rows_of(spec, len(instances)) for name, spec in record.specs.items()}
    size = sum(array[:1].nbytes for array in features.values())
    for rows, piece in walk(instances, max(1, _PIECE // max(1, size))):
        for name, block in record.encode(read(record, piece, rows)).items():
            features[name][rows] = block
    return features


def read(record: Record, instances: Sequence[Instance], numbers: Numbers | None = None) -> Rows:
    """Read raw instances, whose rows in the data have the *numbers*, from 0 if None. Raises UnusableData."""
    faults = Faults()
    rows = record.read(with_fields(record, instances), faults)
    if faults.count:
        row = min(faults.by_row)
        raise UnusableData(row if numbers is None else int(numbers[row]), faults.by_row[row])
    return rows


def with_fields(record: Record, instances: Sequence[Instance]) -> Sequence[Instance]:
    """Return *instances* as a caller would send them, without the fields that *record* does not have.

    A recipe may omit fields; and rows from a table have NaN where a value is missing, and NumPy's numbers.
    """
    known = record.fields.keys()
    return [{name: plain(value) for name, value in each.items() if name in known} for each in instances]


class Sent(Lazy[Instance]):
    """Instances as `with_fields` returns them, made when they are asked for."""

    def __init__(self, record: Record, instances: Sequence[Instance]) -> None:
        self._record = record
        self._instances = instances if isinstance(instances, Lazy) else Selected(instances, range(len(instances)))
        self.piece = self._instances.piece

    def __len__(self) -> int:
        return len(self._instances)

    def take(self, rows: Numbers) -> Sequence[Instance]:
        """Return those of *rows*."""
        return with_fields(self._record, self._instances.take(rows))


def tensor_of(array: Array) -> tf.Tensor:
    """Return the array as a tensor on the CPU, in the same memory where possible: don't change *array* afterwards."""
    with tf.device("CPU"):
        if array.size and array.flags.carray and array.ctypes.data % _ALIGNMENT == 0:
            return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
        return tf.constant(array)


def aligned(shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> Array:
    """Return an uninitialised array that `tensor_of` takes without a copy. Raises CacheUnavailable."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > LARGE:
        return np.frombuffer(new_memory(size), dtype).reshape(shape)
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def _rows_of(spec: TensorSpec, count: int) -> Array:
    return aligned((count, *filter(None, spec.shape)), spec.dtype)
