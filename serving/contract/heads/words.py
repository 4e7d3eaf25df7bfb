"""What heads have in common: the schema of an answer, names of measures, and numbers as text has them."""

from collections.abc import Mapping, Sequence
from typing import Any

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.faults import shown


def closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an object that has exactly *properties*."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def measure_name(prefix: str, name: str) -> str:
    """Return *name*, after the head's name if there is a *prefix*."""
    return f"{prefix}.{name}" if prefix else name


def shortest(numbers: Array) -> list[float]:
    """Return float32 *numbers* by the shortest text that reads back as the same: 24.1, not 24.100000381."""
    return [float(str(number)) for number in numbers]


def scores_by_name(names: Sequence[str], count: int) -> dict[str, Any]:
    """Return the JSON schema of an object with a score from 0 to 1 for *count* of *names*."""
    score = {"type": "number", "minimum": 0, "maximum": 1}
    listed = {"propertyNames": {"enum": list(names)}, "minProperties": count, "maxProperties": count}
    return {"type": "object", **listed, "additionalProperties": score}


def check_names(names: Sequence[str]) -> None:
    """Raise ValueError unless *names* are texts that differ from each other, at least one."""
    if not names or len(set(names)) < len(names):
        raise states.Misfit("names", f"expected names that differ from each other, got {shown(list(names))}")
