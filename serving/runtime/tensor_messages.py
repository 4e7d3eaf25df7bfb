"""TensorProto <-> numpy, both encodings, without TensorFlow's per-element loops."""

from itertools import pairwise
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from tensorflow.core.framework import types_pb2

Array = NDArray[Any]

_STRING = types_pb2.DT_STRING
_KINDS: dict[int, tuple[str, Any]] = {
    types_pb2.DT_FLOAT: ("float_val", np.float32),
    types_pb2.DT_DOUBLE: ("double_val", np.float64),
    types_pb2.DT_STRING: ("string_val", object),
    types_pb2.DT_BOOL: ("bool_val", np.bool_),
    types_pb2.DT_INT64: ("int64_val", np.int64),
    types_pb2.DT_UINT64: ("uint64_val", np.uint64),
    types_pb2.DT_UINT32: ("uint32_val", np.uint32),
    types_pb2.DT_INT32: ("int_val", np.int32),
    types_pb2.DT_INT16: ("int_val", np.int16),
    types_pb2.DT_INT8: ("int_val", np.int8),
    types_pb2.DT_UINT16: ("int_val", np.uint16),
    types_pb2.DT_UINT8: ("int_val", np.uint8),
    types_pb2.DT_HALF: ("half_val", np.float16),
    types_pb2.DT_BFLOAT16: ("half_val", ml_dtypes.bfloat16),
}
_FIELDS = {number: field for number, (field, _) in _KINDS.items()}
NUMPY_TYPES: dict[int, np.dtype[Any]] = {number: np.dtype(dtype) for number, (_, dtype) in _KINDS.items()}
PROTO_TYPES = {dtype: number for number, dtype in NUMPY_TYPES.items()}
TYPE_NAMES = {dtype: types_pb2.DataType.Name(number)[3:].lower() for number, dtype in NUMPY_TYPES.items()}  # DT_FLOAT

# A packed field of fixed-size numbers is, on the wire, its tag, its length and the numbers as they lie in memory.
_PACKED = {types_pb2.DT_FLOAT: b"\x2a", types_pb2.DT_DOUBLE: b"\x32"}


def decode(proto: Any) -> Array:
    """Read a tensor; raises ValueError if type, shape and values are inconsistent.

    As in TensorFlow, with fewer values than elements the last one is repeated, and none at all means zeros.
    """
    if proto.dtype not in NUMPY_TYPES or proto.tensor_shape.unknown_rank:
        raise ValueError("unsupported type or shape")
    shape = tuple([dim.size for dim in proto.tensor_shape.dim])
    size = _size(shape)
    dtype = NUMPY_TYPES[proto.dtype]
    content = proto.tensor_content
    if content and proto.dtype == _STRING:
        return _objects(_split_strings(content, size), shape)
    if content:
        if len(content) != size * dtype.itemsize:
            raise ValueError(f"{len(content)} bytes of content for {size} elements")
        return np.frombuffer(content, dtype).reshape(shape)
    values = getattr(proto, _FIELDS[proto.dtype])
    return _fill(_from_field(values, proto.dtype, dtype), size, dtype).reshape(shape)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        if length < 0:
            raise ValueError("unknown dimension")
        size *= length
    if size > 2**31:
        raise ValueError("too large")  # a small request must not allocate all memory
    return size


def _from_field(values: Any, kind: int, dtype: np.dtype[Any]) -> Array:
    if kind == _STRING:
        return _objects(list(values), (len(values),))
    if _FIELDS[kind] == "half_val":
        return np.array(values, np.int32).astype(np.uint16).view(dtype)
    if _FIELDS[kind] == "int_val":
        return np.array(values, np.int32).astype(dtype)
    return np.array(values, dtype)


def _fill(values: Array, size: int, dtype: np.dtype[Any]) -> Array:
    if len(values) >= size:
        return values[:size]
    if len(values):
        return np.concatenate([values, np.repeat(values[-1:], size - len(values))])
    return np.full(size, b"", object) if dtype.hasobject else np.zeros(size, dtype)


def _objects(values: list[bytes], shape: tuple[int, ...]) -> Array:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


def _split_strings(content: bytes, count: int) -> list[bytes]:
    """Undo TensorFlow's packing of strings: all lengths as varints, then all bytes."""
    lengths, at = [], 0
    for _ in range(count):
        length, shift = 0, 0
        while content[at : at + 1] >= b"\x80":
            length |= (content[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
        if at >= len(content):
            raise ValueError("string lengths cut short")
        lengths.append(length | content[at] << shift)
        at += 1
    if at + sum(lengths) != len(content):
        raise ValueError("string bytes cut short")
    ends = np.cumsum([at, *lengths]).tolist()
    return [content[start:end] for start, end in pairwise(ends)]


def encode(array: Array, as_content: bool, into: Any) -> None:
    """Write a tensor into a TensorProto, in typed fields or, *as_content*, in `tensor_content` (never strings)."""
    kind = PROTO_TYPES[array.dtype]
    into.dtype = kind
    for length in array.shape:
        into.tensor_shape.dim.add().size = length
    if kind == _STRING:
        into.string_val.extend(array.ravel().tolist())
    elif as_content:
        into.tensor_content = array.tobytes()
    elif kind in _PACKED:
        content = array.tobytes()
        into.MergeFromString(_PACKED[kind] + _varint(len(content)) + content)
    elif _FIELDS[kind] == "half_val":
        into.half_val.extend(array.view(np.uint16).ravel().tolist())
    else:
        getattr(into, _FIELDS[kind]).extend(array.ravel().tolist())


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
