"""One signature of a loaded model, and the checks a request's names and types must pass before it runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.runtime.errors import invalid_argument
from serving.runtime.tensor_messages import NUMPY_TYPES, TYPE_NAMES, Array, decode


@dataclass(frozen=True)
class TensorInfo:
    """A named input or output: where it is in the graph, and what it holds."""

    alias: str
    tensor_name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...] | None  # -1 is any length, None any rank

    @staticmethod
    def of(alias: str, info: Any) -> "TensorInfo":
        """Read TensorFlow's own TensorInfo."""
        unknown = info.tensor_shape.unknown_rank
        shape = None if unknown else tuple(dim.size for dim in info.tensor_shape.dim)
        return TensorInfo(alias, info.name, NUMPY_TYPES.get(info.dtype, np.dtype(np.void)), shape)


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs, in alphabetical order of their aliases."""

    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    defaults: dict[str, Array]

    @staticmethod
    def of(name: str, definition: Any) -> "Signature":
        """Read a SignatureDef."""
        return Signature(
            name,
            tuple(TensorInfo.of(alias, info) for alias, info in sorted(definition.inputs.items())),
            tuple(TensorInfo.of(alias, info) for alias, info in sorted(definition.outputs.items())),
            {alias: decode(value) for alias, value in definition.defaults.items()},
        )

    def arrange(self, given: dict[str, Array]) -> list[Array]:
        """Put a request's arrays in order and fill in defaults; call `check_names` first.

        The graph would refuse a wrong type too, but a batch must not contain one.
        """
        arrays = [given[info.alias] if info.alias in given else self.defaults[info.alias] for info in self.inputs]
        for index, (info, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            if array.dtype != info.dtype:
                expected, actual = (TYPE_NAMES.get(dtype, str(dtype)) for dtype in (info.dtype, array.dtype))
                raise invalid_argument(f"Expects arg[{index}] to be {expected} but {actual} is provided")
        return arrays

    def check_names(self, given: Iterable[str]) -> None:
        """Raise ServingError unless *given* names exactly the inputs of the signature."""
        sent, known = set(given), {info.alias for info in self.inputs}
        if len(sent) > len(known) or (len(sent) < len(known) and not self.defaults):
            raise invalid_argument(
                f"input size does not match signature: {len(sent)}!={len(known)} len({_braces(sent)}) != "
                f"len({_braces(known)}). Sent extra: {_braces(sent - known)}. "
                f"Missing but required: {_braces(known - sent - set(self.defaults))}."
            )
        for info in self.inputs:
            if info.alias not in sent and info.alias not in self.defaults:
                raise invalid_argument(
                    f"Signature input alias: {info.alias}(feed name: {info.tensor_name}) not found in request and no "
                    f"default value provided. Inputs expected to be in the request {_braces(sent)}, or default input "
                    f"alias set: {','.join(sorted(self.defaults))}"
                )
        if sent - known:
            raise invalid_argument(
                f"Inputs contains invalid name. Used request inputs: {_braces(sent & known)}, "
                f"request input: {_braces(sent)}"
            )

    def select_outputs(self, output_filter: Sequence[str]) -> tuple[TensorInfo, ...]:
        """Return the outputs that a request names, or all if it names none."""
        if not output_filter:
            return self.outputs
        known = {info.alias: info for info in self.outputs}
        for index, alias in enumerate(output_filter):
            if alias not in known:
                raise invalid_argument(
                    f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                    f"{_braces(known)}."
                )
            if alias in output_filter[:index]:
                raise invalid_argument(f"duplicate output tensor alias: {alias}")
        return tuple(info for info in self.outputs if info.alias in output_filter)


def _braces(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
