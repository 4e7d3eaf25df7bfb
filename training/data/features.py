"""The features of many instances, prepared as the gateway prepares them, in memory that TensorFlow reads in place."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from serving.contract import Record, Rows
from serving.contract.arrays import Array, Features, TensorSpec
from serving.contract.faults import Faults
from training.data.datasets import Instance, plain
from training.errors import UnusableData

_PIECE = 512
"""Number of instances decoded at a time: an image that Pillow holds takes the memory of its pixels once more."""
_ALIGNMENT = 64
"""Alignment of memory that TensorFlow computes on, in bytes."""


def prepare(record: Record, instances: Sequence[Instance]) -> Features:
    """Return the features of raw instances, which `tensor_of` takes without a copy. Raises UnusableData."""
    count = len(instances)
    features = {name: _rows_of(spec, count) for name, spec in record.specs.items()}
    for start in range(0, count, _PIECE):
        piece = slice(start, start + _PIECE)
        for name, rows in record.encode(read(record, instances[piece], start)).items():
            features[name][piece] = rows
    return features


def read(record: Record, instances: Sequence[Instance], first: int = 0) -> Rows:
    """Read raw instances, the first of which is row *first* of the data. Raises UnusableData."""
    faults = Faults()
    rows = record.read(with_fields(record, instances), faults)
    if faults.count:
        row = min(faults.by_row)
        raise UnusableData(first + row, faults.by_row[row])
    return rows


def with_fields(record: Record, instances: Sequence[Instance]) -> Sequence[Instance]:
    """Return *instances* as a caller would send them, without the fields that *record* does not have.

    A recipe may omit fields; and rows from a table have NaN where a value is missing, and NumPy's numbers.
    """
    known = record.fields.keys()
    return [{name: plain(value) for name, value in each.items() if name in known} for each in instances]


def tensor_of(array: Array) -> tf.Tensor:
    """Return the array as a tensor on the CPU, in the same memory where possible: don't change *array* afterwards."""
    with tf.device("CPU"):
        if array.size and array.flags.carray and array.ctypes.data % _ALIGNMENT == 0:
            return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
        return tf.constant(array)


def aligned(shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> Array:
    """Return an uninitialised array that `tensor_of` takes without a copy."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def _rows_of(spec: TensorSpec, count: int) -> Array:
    return aligned((count, *filter(None, spec.shape)), spec.dtype)
