"""The Open Inference Protocol's tensors: how inputs are checked and outputs are made, independent of the transport.

Nothing here depends on JSON or HTTP. Code that reads a request makes an `InputTensor` of each input, unchecked. Code
that writes a reply gets an `OutputTensor` for each requested output.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.contract import Contract
from serving.errors import MalformedRequest
from serving.gateway.protocols.body import kind
from serving.gateway.protocols.named_tensors import (
    BYTES,
    FP64,
    as_text,
    file_fields,
    input_tensors,
    output_columns,
    required,
    rows,
)
from serving.gateway.protocols.predict_body import Instances, Pointer

_BF16 = "BF16"
NUMBERS = {
    **{"FP16": "<f2", "FP32": "<f4", FP64: "<f8", _BF16: "<u2"},
    **{"INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8"},
    **{"UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8"},
}
"""The number types, with numpy's names. BF16, which numpy lacks, is the upper half of an FP32."""

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class InputTensor:
    """An input of a request, unchecked except for its name.

    *values* are flat, or bytes in the form of the binary tensor extension.
    """

    name: str
    datatype: Any
    shape: Any
    values: Sequence[Any] | memoryview


@dataclass(frozen=True)
class OutputTensor:
    """An output of a reply: strings or FP64 numbers."""

    name: str
    datatype: str
    values: np.ndarray[Any, Any]

    def flat(self) -> list[Any]:
        """Return the values as a flat list."""
        listed: list[Any] = self.values.ravel().tolist()
        return listed

    def binary(self) -> bytes:
        """Return the values in the form of the binary tensor extension."""
        if self.datatype == FP64:
            return self.values.astype("<f8").tobytes()
        return b"".join(struct.pack("<I", len(data)) + data for data in (text.encode() for text in self.flat()))


def read_instances(tensors: Sequence[InputTensor], contract: Contract, pointer: Pointer | None = None) -> Instances:
    """Turn input tensors into instances. *pointer* finds their fields in the request. Raise MalformedRequest."""
    datatypes = {info.name: info.datatype for info in input_tensors(contract)}
    files = file_fields(contract)
    columns: dict[str, Sequence[Any]] = {}
    for tensor in tensors:
        if tensor.name in columns:
            raise MalformedRequest(f"input {tensor.name[:60]!r} is listed twice")
        values = _values(tensor, datatypes.get(tensor.name))
        is_text = isinstance(values[0], bytes) and tensor.name not in files if values else False
        columns[tensor.name] = [as_text(value) for value in values] if is_text else values
    return Instances(rows(columns), pointer, tuple(name for name in required(contract) if name not in columns))


def wanted_outputs(
    requested: Sequence[tuple[str, Parameters]], known: Sequence[str], as_bytes: bool
) -> dict[str, bool]:
    """Return the names of the *requested* outputs, all *known* ones if none is, and whether each is sent as bytes.

    *as_bytes* applies to outputs whose parameters don't say.

    Raise MalformedRequest.
    """
    wanted = {}
    for name, parameters in requested or [(name, {}) for name in known]:
        if name not in known:
            raise MalformedRequest(f"expected outputs among {', '.join(known)}, got {name[:60]!r}")
        refuse_shared_memory(f"output {name!r}", parameters)
        if parameters.get("classification"):
            raise MalformedRequest(
                f"output {name!r}: a classification is not supported, request 'labels' and 'scores' instead"
            )
        own = parameters.get("binary_data")
        wanted[name] = as_bytes if own is None else own is True
    return wanted


def refuse_shared_memory(place: str, parameters: Parameters) -> None:
    """Raise MalformedRequest if the data should be in a client's shared memory. Other parameters are ignored."""
    for name, value in parameters.items():
        if name.startswith("shared_memory") and value is not None:
            raise MalformedRequest(f"{place}: the parameter {name[:60]!r} is not supported")


def output_of(name: str, answers: Sequence[Mapping[str, Any]]) -> OutputTensor:
    """Make the output *name* of a request's *answers*."""
    array = np.asarray(output_columns(answers)[name])
    return OutputTensor(name, FP64 if array.dtype.kind == "f" else BYTES, array)


def _values(tensor: InputTensor, expected: str | None) -> Sequence[Any]:
    """Return the values of an input of shape [n] or [n, 1]. *expected* is its datatype if the model has the input."""
    name, datatype = tensor.name[:60], tensor.datatype
    accepted = {FP64: NUMBERS, BYTES: (BYTES,), None: (*NUMBERS, BYTES)}[expected]
    if not isinstance(datatype, str) or datatype not in accepted:
        got = repr(datatype[:60]) if isinstance(datatype, str) else kind(datatype)
        raise MalformedRequest(f"input {name!r}: expected datatype {expected or FP64}, got {got}")
    count = _count(tensor.shape, name)
    values = _unpacked(tensor.values, datatype, name) if isinstance(tensor.values, memoryview) else tensor.values
    if len(values) != count:
        raise MalformedRequest(f"input {name!r}: expected {count} values by its shape, got {len(values)}")
    return values


def _count(shape: Any, name: str) -> int:
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise MalformedRequest(f"input {name!r}: expected 'shape' as an array of sizes")
    if len(shape) not in (1, 2) or shape[1:] not in ([], [1]):
        raise MalformedRequest(f"input {name!r}: expected shape [n] or [n, 1], got {str(shape)[:60]}")
    return math.prod(shape)


def _unpacked(data: memoryview, datatype: str, name: str) -> Sequence[Any]:
    if datatype == BYTES:
        return _elements(data, name)
    dtype = np.dtype(NUMBERS[datatype])
    if len(data) % dtype.itemsize:
        raise MalformedRequest(f"input {name!r}: expected {dtype.itemsize} bytes a value, got {len(data)} bytes")
    array = np.frombuffer(data, dtype)
    if datatype == _BF16:
        array = (array.astype("<u4") << 16).view("<f4")
    listed: list[Any] = array.tolist()
    return listed


def _elements(data: memoryview, name: str) -> list[bytes]:
    """Split BYTES data, in which each element follows its length, a little-endian uint32."""
    values, place = [], 0
    while place < len(data):
        end = place + 4
        if end <= len(data):
            end += struct.unpack_from("<I", data, place)[0]
        if end > len(data) or end < place + 4:
            raise MalformedRequest(f"input {name!r}: its bytes end within an element")
        values.append(bytes(data[place + 4 : end]))
        place = end
    return values
