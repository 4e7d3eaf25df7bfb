"""Named tensors between the contract and the model, and their exact form in JSON (base64 of the bytes)."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.contract import states
from serving.errors import shown

Array = NDArray[Any]
Features = dict[str, Array]
"""The model's inputs by name; the first axis of each is the batch."""

STRING = "string"
"""The type of a tensor of texts: in NumPy an array of objects, each bytes in UTF-8."""
_DTYPES = (
    "bool",
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
    "float16",
    "float32",
    "float64",
)
_MOST_ITEMS = 1 << 31
_STRING_BYTES = 256
"""Assumed size of a text, where the number of rows that fit matters: texts have no fixed size."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of the model; `None` in `shape` stands for the batch."""

    dtype: str
    shape: tuple[int | None, ...]

    @property
    def row_bytes(self) -> int:
        """The bytes of one instance; of a text, what is usual."""
        item = _STRING_BYTES if self.dtype == STRING else self.numpy.itemsize
        return item * math.prod(filter(None, self.shape))

    @property
    def numpy(self) -> np.dtype[Any]:
        """NumPy's type of the elements."""
        return np.dtype(object if self.dtype == STRING else self.dtype)

    def check_row(self, row: Array) -> None:
        """Raise ValueError for what is not one instance of this tensor."""
        wanted = self.shape[1:]
        is_fit = row.ndim == len(wanted) and all(
            want in (None, got) for want, got in zip(wanted, row.shape, strict=True)
        )
        if row.dtype != self.numpy or not is_fit:
            raise ValueError(f"expected {self.dtype}{list(wanted)}, got {row.dtype}{list(row.shape)}")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"dtype": self.dtype, "shape": list(self.shape)}


def array_to_json(array: Array) -> dict[str, Any]:
    """Return the JSON form of *array*, bit for bit: dtype, shape and base64 of its little-endian bytes.

    An array of texts has the base64 of each.
    """
    if array.dtype.kind == "O":
        texts = [base64.b64encode(text).decode("ascii") for text in array.ravel().tolist()]
        return {"dtype": STRING, "shape": list(array.shape), "base64": texts}
    data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "base64": base64.b64encode(data.tobytes()).decode("ascii"),
    }


def array_from_json(state: Mapping[str, Any]) -> Array:
    """Read what `array_to_json` wrote; raises ValueError if it is something else."""
    shape = states.wholes(state, "shape", 0, _MOST_ITEMS)
    if state.get("dtype") == STRING:
        texts = [_decoded(text) for text in states.texts(state, "base64")]
        return np.array([*texts, None], object)[:-1].reshape(shape)
    dtype = np.dtype(states.choice(state, "dtype", _DTYPES)).newbyteorder("<")
    return np.frombuffer(_decoded(states.text(state, "base64")), dtype).reshape(shape)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise states.Misfit("base64", f"{error}: expected base64, got {shown(text)}") from None
