"""What every encoder is: the values of one field -> a block of a tensor, and all that others need to know of them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

from serving.contract.arrays import Array, TensorSpec
from serving.contract.faults import Faults
from serving.contract.instance_limits import InstanceLimits
from serving.contract.reference import Measures

Control = Literal["number", "choice", "checkbox", "choices", "date", "text", "picture", "list"]
"""The form control that suits a field."""

Datatype = Literal["FP64", "FP32", "INT64", "INT32", "BOOL", "BYTES"]
"""The Open Inference Protocol's type of a field's values."""


class Encoder(Protocol):
    """Fitted and immutable, with a JSON state; it works on whole columns, a value of one field for each instance.

    A value that is absent or null is None. An encoder for which nothing may be missing reports None as a fault.
    """

    kind: ClassVar[str]

    @property
    def optional(self) -> bool:
        """Whether a value may be missing."""
        ...

    @property
    def block(self) -> TensorSpec:
        """The type and shape of what `encode` makes; the first axis is the batch."""
        ...

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one value, with `type` (and "null" in it if *optional*), limits and a description."""
        ...

    @property
    def datatype(self) -> Datatype:
        """The Open Inference Protocol's type of the values."""
        ...

    @property
    def value_shape(self) -> tuple[int, ...] | None:
        """The shape of one value as a tensor, () for one that is no list; None for lists that differ in length."""
        ...

    @property
    def control(self) -> Control:
        """The form control that suits the field."""
        ...

    def limited(self, limits: InstanceLimits) -> "Encoder":
        """Return the encoder that refuses what is over *limits*."""
        ...

    def read(self, values: Sequence[Any], faults: Faults) -> Any:
        """Check and read a column; return it in the form that `encode` takes, with an item for each value.

        Every fault goes to *faults*, with the row and the path within the value; what stands in the column for such a
        value is left open.
        """
        ...

    def encode(self, column: Any) -> Array:
        """Make the block of a column that `read` returned without a fault."""
        ...

    def measures(self, field: str) -> tuple[str, ...]:
        """Return the names of the numbers that are measured of each value, for drift."""
        ...

    def categories(self, field: str) -> Mapping[str, Sequence[str]]:
        """Return the names of the categories that are counted, by the name of the count, for drift."""
        ...

    def measured(self, field: str, column: Any, block: Array) -> Measures:
        """Measure a column that `read` returned and the block that `encode` made of it."""
        ...

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Encoder":
        """Read what `to_state` returned, bit for bit; raises ValueError, KeyError or TypeError if it is another."""
        ...
