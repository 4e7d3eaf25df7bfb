"""What a tensor of each type takes in JSON: which values, in which bounds, and what is wrong with others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from serving.contract.arrays import STRING, Array
from serving.contract.encoders.encoder import Datatype
from serving.contract.faults import Faults, shown

DType = Literal[
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool",
    "string",
]  # fmt: skip
_DATATYPES: dict[str, Datatype] = {
    "float64": "FP64",
    "float32": "FP32",
    "float16": "FP32",
    "int64": "INT64",
    "uint64": "INT64",
    "uint32": "INT64",
    "bool": "BOOL",
    STRING: "BYTES",
}


@dataclass(frozen=True)
class Elements:
    """Elements of one *dtype*; texts have at most *most_characters*."""

    dtype: DType
    most_characters: int

    @property
    def datatype(self) -> Datatype:
        """The Open Inference Protocol's type that holds all of them; what is smaller is INT32."""
        return _DATATYPES.get(self.dtype, "INT32")

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one element."""
        if self.dtype == STRING:
            return {"type": "string", "maxLength": self.most_characters}
        if self.dtype == "bool":
            return {"type": "boolean"}
        low, high = self._bounds
        return {"type": "number" if self._is_float else "integer", "minimum": low, "maximum": high}

    @property
    def _is_float(self) -> bool:
        return self.dtype.startswith("float")

    @property
    def _bounds(self) -> tuple[float, float]:
        if self._is_float:
            largest = float(np.finfo(self.dtype).max)
            return -largest, largest
        limits = np.iinfo(self.dtype)
        return int(limits.min), int(limits.max)

    def tensor(self, values: Sequence[Any]) -> Array | None:
        """Make a tensor of *values*, or None if one of them may not be in it."""
        kinds = set(map(type, values))
        if self.dtype == STRING:
            return self._texts(values) if kinds <= {str} else None
        if not kinds <= ({bool} if self.dtype == "bool" else {float, int} if self._is_float else {int}):
            return None
        return np.array(values, bool) if self.dtype == "bool" else self._numbers(values)

    def _numbers(self, values: Sequence[Any]) -> Array | None:
        wide = np.float64 if self._is_float else np.uint64 if self.dtype == "uint64" else np.int64
        try:
            numbers = np.array(values, wide)
        except OverflowError:
            return None
        low, high = self._bounds
        return numbers.astype(self.dtype) if ((numbers >= low) & (numbers <= high)).all() else None

    def _texts(self, values: Sequence[str]) -> Array | None:
        if max(map(len, values), default=0) > self.most_characters:
            return None
        try:
            texts = [value.encode() for value in values]
        except UnicodeEncodeError:
            return None
        return np.array([*texts, None], object)[:-1]  # None, so that NumPy keeps them as they are

    def read(self, row: int, value: Any, faults: Faults, *path: int) -> Any:
        """Read one element: a value that `tensor` takes, or a fault."""
        problem, got = self._problem(value)
        if problem:
            faults.add(row, problem, got, *path)
        return int(value) if not problem and isinstance(value, float) and not self._is_float else value

    def _problem(self, value: Any) -> tuple[str, str]:
        if self.dtype == STRING:
            return self._text_problem(value)
        if self.dtype == "bool":
            return ("" if isinstance(value, bool) else "true or false"), shown(value)
        words = "a number" if self._is_float else "a whole number"
        whole = self._is_float or type(value) is int or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not isinstance(value, int | float) or not whole:
            return words, shown(value)
        low, high = self._bounds
        if not self._is_float and isinstance(value, float) and value == -(2.0**63):
            return f"a whole number of at most 64 bits, for {self.dtype}", shown(value)  # which JSON may have cut it to
        return ("" if low <= value <= high else f"{words} from {low:g} to {high:g}, for {self.dtype}"), shown(value)

    def _text_problem(self, value: Any) -> tuple[str, str]:
        if not isinstance(value, str):
            return "a string", shown(value)
        if len(value) > self.most_characters:
            return f"at most {self.most_characters:,} characters", f"{len(value):,}"
        return ("" if self._texts([value]) is not None else "a string of whole characters"), shown(value)
