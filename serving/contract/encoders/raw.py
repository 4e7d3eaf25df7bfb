"""Raw values: a column of numbers, truth values or texts of one shape -> the tensor of them, as the model has it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import STRING, Array, TensorSpec
from serving.contract.encoders import nested
from serving.contract.encoders.elements import DType, Elements
from serving.contract.encoders.encoder import Control, Datatype
from serving.contract.encoders.fitting import PlainColumn, refuse
from serving.contract.encoders.scaling import LARGEST
from serving.contract.faults import Faults, RowFaults
from serving.contract.instance_limits import InstanceLimits
from serving.contract.reference import Measures


@dataclass(frozen=True)
class Raw:
    """Turns nested lists, or values on their own for the shape (), into a tensor `dtype[batch, *shape]`.

    Nothing may be missing. Texts have at most *most_characters* and become bytes in UTF-8.
    """

    dtype: DType
    shape: tuple[int, ...] = ()
    most_characters: int = 10_000_000
    kind: ClassVar[str] = "raw"
    optional: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.dtype not in get_args(DType):
            raise states.Misfit("dtype", f"expected one of {', '.join(get_args(DType))}, got {self.dtype!r}")
        nested.check_shape(self.shape)

    @classmethod
    def fit(cls, values: Iterable[Any], *, dtype: DType, shape: Sequence[int] | None = None) -> "Raw":
        """Check *values* and take the shape of the first if none is given; raises ValueError for what does not fit."""
        plain = PlainColumn(values)
        if shape is None and not len(plain):
            raise ValueError("expected at least one value, or a shape, got no rows")
        stated = nested.shape_of(next(iter(plain))[1]) if shape is None else tuple(shape)
        encoder = cls.from_state({"dtype": dtype, "shape": list(stated)})
        faults = Faults()
        for rows, piece in plain.pieces():
            encoder.read(piece, RowFaults(faults, rows))
        refuse(faults)
        return encoder

    @property
    def block(self) -> TensorSpec:
        """The tensor as it is."""
        return TensorSpec(self.dtype, (None, *self.shape))

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one value."""
        return nested.nested_schema(self.shape, self._elements.schema)

    @property
    def value_shape(self) -> tuple[int, ...]:
        """The shape of one value."""
        return self.shape

    @property
    def datatype(self) -> Datatype:
        """The Open Inference Protocol's type of the elements."""
        return self._elements.datatype

    @property
    def control(self) -> Control:
        """A list, or what suits one element."""
        return "list" if self.shape else {STRING: "text", "bool": "checkbox"}.get(self.dtype, "number")  # type: ignore[return-value]

    @cached_property
    def _elements(self) -> Elements:
        return Elements(self.dtype, self.most_characters)

    def limited(self, limits: InstanceLimits) -> "Raw":
        """Return the encoder that refuses longer texts."""
        return replace(self, most_characters=limits.text_characters)

    def read(self, values: Sequence[Any], faults: Faults) -> Array:
        """Read a column: `dtype[n, *shape]`, of texts an array of objects."""
        elements = nested.elements_of(values, self.shape)
        tensor = None if elements is None else self._elements.tensor(elements)
        if tensor is None:
            tensor = self._read(values, faults)
        return tensor.reshape(len(values), *self.shape)

    def _read(self, values: Sequence[Any], faults: Faults) -> Array:
        found: list[Any] = []
        before = faults.count
        for row, value in enumerate(values):
            found += nested.read_elements(row, value, self.shape, faults, self._elements.read)
        tensor = None if faults.count > before else self._elements.tensor(found)
        return np.zeros((len(values), *self.shape), self.block.numpy) if tensor is None else tensor

    def encode(self, column: Array) -> Array:
        """Return the column: it is the tensor."""
        return column

    def measures(self, field: str) -> tuple[str, ...]:
        """Return the name of the mean, for texts of the mean length."""
        return (f"{field}.length" if self.dtype == STRING else field if not self.shape else f"{field}.mean",)

    def categories(self, field: str) -> Mapping[str, Sequence[str]]:
        """Return nothing."""
        return {}

    def measured(self, field: str, column: Array, block: Array) -> Measures:
        """Measure the mean of each tensor's numbers, or of its texts' lengths in bytes."""
        numbers = np.array(list(map(len, column.ravel().tolist()))) if self.dtype == STRING else column
        flat = numbers.astype(np.float64).reshape(len(column), -1) if len(column) else np.empty((0, 1))
        return Measures(np.clip(flat, -LARGEST, LARGEST).mean(axis=1, keepdims=True), {})

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values; how long texts may be is for whoever serves to say."""
        return {"dtype": self.dtype, "shape": list(self.shape)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Raw":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        dtype = states.choice(state, "dtype", get_args(DType))
        return cls(dtype, states.wholes(state, "shape", 1, nested.MOST_ELEMENTS))
