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
    BOOL,
    BYTES,
    FP64,
    TensorInfo,
    as_text,
    file_fields,
    from_json,
    input_tensors,
    json_fields,
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
    known = {info.name: info for info in input_tensors(contract)}
    files, as_json = file_fields(contract), json_fields(contract)
    columns: dict[str, Sequence[Any]] = {}
    for tensor in tensors:
        if tensor.name in columns:
            raise MalformedRequest(f"input {tensor.name[:60]!r} is listed twice")
        values = _values(tensor, known.get(tensor.name), tensor.name in files)
        columns[tensor.name] = [from_json(value) for value in values] if tensor.name in as_json else values
    return Instances(rows(columns), pointer, tuple(name for name in contract.record.required if name not in columns))


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


def output_of(name: str, columns: Mapping[str, Sequence[Any]]) -> OutputTensor:
    """Make the output *name* of what `output_columns` returned."""
    array = np.asarray(columns[name])
    return OutputTensor(name, FP64 if array.dtype.kind == "f" else BYTES, array)


def _values(tensor: InputTensor, expected: TensorInfo | None, is_file: bool) -> Sequence[Any]:
    """Return the values of an input, nested as the field has them; *expected* is None if the model has no such."""
    name = tensor.name[:60]
    _check_datatype(name, tensor.datatype, expected.datatype if expected else None)
    shape = _checked_shape(name, tensor.shape, expected.shape[1:] if expected else ())
    values = tensor.values
    if isinstance(values, memoryview):
        values = _unpacked(values, tensor.datatype, name, is_file)
    if len(values) != math.prod(shape):
        raise MalformedRequest(f"input {name!r}: expected {math.prod(shape)} values by its shape, got {len(values)}")
    if len(shape) == 1:
        return values
    nested = np.empty(len(values), object)
    nested[:] = values
    listed: list[Any] = nested.reshape(shape).tolist()
    return listed


def _check_datatype(name: str, datatype: Any, expected: str | None) -> None:
    numbers = tuple(NUMBERS)
    accepted = {BYTES: (BYTES,), BOOL: (BOOL,), None: (*numbers, BOOL, BYTES)}.get(expected, numbers)
    if not isinstance(datatype, str) or datatype not in accepted:
        got = repr(datatype[:60]) if isinstance(datatype, str) else kind(datatype)
        raise MalformedRequest(f"input {name!r}: expected datatype {expected or FP64}, got {got}")


def _checked_shape(name: str, shape: Any, of_value: tuple[int, ...]) -> list[int]:
    """Return *shape*, without a last axis of size 1 that a value has not."""
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise MalformedRequest(f"input {name!r}: expected 'shape' as an array of sizes")
    if not of_value and len(shape) == 2 and shape[1] == 1:
        return shape[:1]
    if not shape or shape[1:] != list(of_value):
        wanted = f"[n{''.join(f', {size}' for size in of_value)}]" + ("" if of_value else " or [n, 1]")
        raise MalformedRequest(f"input {name!r}: expected shape {wanted}, got {str(shape)[:60]}")
    return shape


def _unpacked(data: memoryview, datatype: str, name: str, is_file: bool) -> Sequence[Any]:
    if datatype == BYTES:
        elements = _elements(data, name)
        return elements if is_file else [as_text(element) for element in elements]
    dtype = np.dtype(np.bool_ if datatype == BOOL else NUMBERS[datatype])
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
