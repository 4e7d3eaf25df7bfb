"""What may become of a field's values where requests are captured: the task says it, and the contract tells it."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from serving.contract import states
from serving.contract.encoders.encoder import Encoder
from serving.errors import shown

Handling = Literal["keep", "hash", "drop"]
"""Keep the values as they were sent, replace each by a keyed hash, or leave them out."""
HANDLINGS: tuple[Handling, ...] = get_args(Handling)

_TELLING_LITTLE = frozenset({"number", "choice", "choices", "checkbox", "date"})


def usual(encoder: Encoder) -> Handling:
    """Return what becomes of a field of which the task says nothing: texts and pictures are dropped."""
    is_numbers = encoder.control == "list" and encoder.datatype != "BYTES"
    return "keep" if is_numbers or encoder.control in _TELLING_LITTLE else "drop"


def read_handlings(document: Mapping[str, Any], fields: Mapping[str, Encoder]) -> dict[str, Handling]:
    """Read the contract's member `capture`, which older contracts lack; raises Misfit."""
    if "capture" not in document:
        return {}
    state = states.mapping(document, "capture")
    for name, handling in state.items():
        if name not in fields:
            raise states.Misfit("capture", f"expected names of fields, got {shown(name)}")
        if handling not in HANDLINGS:
            raise states.Misfit("capture", f"expected one of {', '.join(HANDLINGS)}, got {shown(handling)}", name)
    return state
