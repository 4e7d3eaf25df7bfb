"""`--set dropout=0.3`: settings of a recipe changed from the command line, checked against what it has."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, get_type_hints

from training.errors import BadRequest

_TRUTH = {"true": True, "false": False}


def override(recipe: Any, assignments: Sequence[str]) -> Any:
    """Give *recipe* with each `name=value` of *assignments* applied; raises BadRequest."""
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise BadRequest(f"expected name=value, such as dropout=0.3, got {assignment!r}")
        recipe = _replaced(recipe, name.split("."), text, assignment)
    return recipe


def settings(recipe: Any) -> dict[str, Any]:
    """List all settings of a recipe by the names that `override` takes: those of parts have a dot."""
    listed: dict[str, Any] = {}
    for name, value in vars(recipe).items():
        parts = settings(value) if dataclasses.is_dataclass(value) else {}
        listed |= {f"{name}.{part}": inner for part, inner in parts.items()} or {name: value}
    return listed


def _replaced(recipe: Any, path: Sequence[str], text: str, assignment: str) -> Any:
    name, *rest = path
    current = vars(recipe).get(name)
    if name not in vars(recipe) or bool(rest) != dataclasses.is_dataclass(current):
        raise BadRequest(f"no setting '{assignment.partition('=')[0]}'; there are {', '.join(settings(recipe))}")
    kind = get_type_hints(type(recipe)).get(name)
    value = _replaced(current, rest, text, assignment) if rest else _read(text, kind, current, assignment)
    return dataclasses.replace(recipe, **{name: value})


def _read(text: str, kind: Any, current: Any, assignment: str) -> Any:
    expected, read = _READERS.get(kind, ("something that only a task's file can set", None))
    if read is not None:
        try:
            return read(text)
        except (ValueError, KeyError):
            pass
    raise BadRequest(f"{assignment}: expected {expected}, such as {current!r}{_LIMITS.get(kind, '')}")


def _count(text: str) -> int:
    return _at_least(0, int(text))


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError
    return value


def _at_least(least: int, value: int) -> int:
    if value < least:
        raise ValueError
    return value


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(_at_least(1, int(part)) for part in text.split(",") if part)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


_LIMITS = {int: ", and at least 0", float: ", and finite", tuple[int, ...]: ", each at least 1"}

_READERS: dict[Any, tuple[str, Callable[[str], Any] | None]] = {
    bool: ("true or false", lambda text: _TRUTH[text.lower()]),
    int: ("a whole number", _count),
    float: ("a number", _finite),
    str: ("a text", str),
    tuple[int, ...]: ("whole numbers separated by commas", _numbers),
    tuple[str, ...]: ("names separated by commas", _names),
}
