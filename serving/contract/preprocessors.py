"""What every preprocessor is, and how one is found again from its JSON state."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from serving.contract.arrays import Features, TensorSpec
from serving.contract.image import ImageResizer
from serving.contract.instance_limits import InstanceLimits
from serving.contract.kinds import find_kind
from serving.contract.reference import Measures
from serving.contract.tabular import TabularScaler
from serving.contract.text import TextVectorizer


class Preprocessor(Protocol):
    """Fitted, immutable; `decode` reads one instance, `transform` makes the features of many."""

    kind: ClassVar[str]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of an instance's fields."""
        ...

    @property
    def inputs(self) -> dict[str, TensorSpec]:
        """The features' names, types and shapes."""
        ...

    @property
    def instance_schema(self) -> dict[str, Any]:
        """The JSON schema of one instance."""
        ...

    def limited(self, limits: InstanceLimits) -> "Preprocessor":
        """Return the preprocessor that refuses what is over *limits*."""
        ...

    def decode(self, instance: Mapping[str, Any]) -> Any:
        """Check and read one instance; raises InvalidFields. What it takes fits the schema."""
        ...

    def transform(self, decoded: Sequence[Any]) -> Features:
        """Make the features of decoded instances."""
        ...

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of the columns of what is measured."""
        ...

    @property
    def categories(self) -> Mapping[str, Sequence[str]]:
        """The categories of each total that is measured."""
        ...

    def measured(self, decoded: Sequence[Any]) -> tuple[Features, Measures]:
        """Make the features as `transform` does, and measure the instances on the way."""
        ...

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Preprocessor":
        """Read what `to_state` returned, bit for bit."""
        ...


_KINDS: dict[str, type[Preprocessor]] = {
    TextVectorizer.kind: TextVectorizer,
    TabularScaler.kind: TabularScaler,
    ImageResizer.kind: ImageResizer,
}


def preprocessor_to_json(preprocessor: Preprocessor) -> dict[str, Any]:
    """Return kind and state as JSON values."""
    return {"kind": preprocessor.kind, **preprocessor.to_state()}


def preprocessor_from_json(state: Mapping[str, Any]) -> Preprocessor:
    """Read what `preprocessor_to_json` returned; raises ContractError, KeyError or ValueError for others."""
    fitted = dict(state)
    return find_kind(_KINDS, fitted.pop("kind"), "preprocessor").from_state(fitted)
