"""numpy arrays <-> TensorProto, without TensorFlow.

Numbers are written as `tensor_content`, their bytes in one piece: tens to hundreds of times faster than the typed
`*_val` fields. Both forms are read, since TensorFlow Serving by default answers in typed fields.
"""

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from serving.contract.arrays import Array
from serving.tfserving import wire_pb2 as wire

_NUMBERS: dict[wire.DataType, tuple[np.dtype[np.generic], str]] = {
    wire.DT_FLOAT: (np.dtype("<f4"), "float_val"),
    wire.DT_DOUBLE: (np.dtype("<f8"), "double_val"),
    wire.DT_HALF: (np.dtype("<f2"), "half_val"),
    wire.DT_INT8: (np.dtype("i1"), "int_val"),
    wire.DT_INT16: (np.dtype("<i2"), "int_val"),
    wire.DT_INT32: (np.dtype("<i4"), "int_val"),
    wire.DT_INT64: (np.dtype("<i8"), "int64_val"),
    wire.DT_UINT8: (np.dtype("u1"), "int_val"),
    wire.DT_UINT16: (np.dtype("<u2"), "int_val"),
    wire.DT_UINT32: (np.dtype("<u4"), "uint32_val"),
    wire.DT_UINT64: (np.dtype("<u8"), "uint64_val"),
    wire.DT_BOOL: (np.dtype("?"), "bool_val"),
}
_TYPES = {dtype: number for number, (dtype, _) in _NUMBERS.items()}


def to_proto(array: Array, proto: wire.TensorProto) -> None:
    """Write *array* into an empty *proto*; bytes and str become strings. Raises ValueError for other types."""
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype.kind in "SUO":
        proto.dtype = wire.DT_STRING
        proto.string_val.extend(_as_bytes(array.ravel().tolist()))
        return
    dtype = array.dtype.newbyteorder("<")
    if dtype not in _TYPES:
        raise ValueError(f"no tensor type for numpy's {array.dtype}")
    proto.dtype = _TYPES[dtype]
    proto.tensor_content = array.astype(dtype, copy=False).tobytes()


def from_proto(proto: wire.TensorProto) -> Array:
    """Read a tensor; strings become an object array of bytes. Raises ValueError if its parts are inconsistent."""
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ValueError("the shape is not known")
    if proto.dtype == wire.DT_STRING:
        return _strings(proto, math.prod(shape)).reshape(shape)
    if proto.dtype not in _NUMBERS:
        raise ValueError(f"tensor type {proto.dtype} is not one that numpy has")
    return _numbers(proto, math.prod(shape)).reshape(shape)


def _numbers(proto: wire.TensorProto, count: int) -> Array:
    dtype, field = _NUMBERS[proto.dtype]
    if proto.tensor_content:
        _check_size(len(proto.tensor_content), "bytes", count * dtype.itemsize)
        return np.frombuffer(proto.tensor_content, dtype)
    values = getattr(proto, field)
    if proto.dtype == wire.DT_HALF:  # the field holds the sixteen bits, as an integer
        return _filled(np.array(values, np.uint16), count).view(dtype)
    return _filled(np.array(values, dtype), count)


def _strings(proto: wire.TensorProto, count: int) -> Array:
    values = _string_list(proto.tensor_content, count) if proto.tensor_content else list(proto.string_val)
    array = np.empty(len(values), object)
    array[:] = values
    return _filled(array, count, zero=b"")


def _filled(values: Array, count: int, zero: object = 0) -> Array:
    """Extend *values* to *count*: TensorFlow omits repetitions of the last value, and zeros altogether."""
    if len(values) == count:
        return values
    if len(values) > count:
        raise ValueError(f"{len(values)} values for {count} elements")
    filled = np.full(count, values[-1] if len(values) else zero, values.dtype)
    filled[: len(values)] = values
    return filled


def _string_list(content: bytes, count: int) -> list[bytes]:
    """Read TensorFlow's string list: the lengths as varints, then all the bytes."""
    lengths, position = [], 0
    for _ in range(count):
        length, position = _varint(content, position)
        lengths.append(length)
    _check_size(len(content) - position, "bytes of strings", sum(lengths))
    ends = np.cumsum([position, *lengths]).tolist()
    return [content[start:end] for start, end in pairwise(ends)]


def _varint(content: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(content):
        byte = content[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
    raise ValueError("the string lengths are cut off")


def _check_size(got: int, what: str, expected: int) -> None:
    if got != expected:
        raise ValueError(f"{got} {what}, expected {expected}")


def _as_bytes(values: Iterable[object]) -> Iterable[bytes]:
    for value in values:
        if not isinstance(value, str | bytes):
            raise ValueError(f"no tensor type for {type(value).__name__} in an object array")
        yield value.encode() if isinstance(value, str) else value
