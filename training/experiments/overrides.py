"""`--set dropout=0.3`: recipe settings from the command line, checked against the fields of the recipe."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, get_type_hints

from training.errors import BadRequest

_TRUTH = {"true": True, "false": False}


def override(recipe: Any, assignments: Sequence[str]) -> Any:
    """Return *recipe* with each `name=value` of *assignments* applied. Raises BadRequest."""
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise BadRequest(f"expected name=value, such as dropout=0.3, got {assignment!r}")
        recipe = _replaced(recipe, name.split("."), text, assignment)
    return recipe


def settings(recipe: Any) -> dict[str, Any]:
    """Return all settings of a recipe by the names that `override` takes; nested ones have dotted names."""
    listed: dict[str, Any] = {}
    for name, value in vars(recipe).items():
        parts = settings(value) if dataclasses.is_dataclass(value) else {}
        listed |= {f"{name}.{part}": inner for part, inner in parts.items()} or {name: value}
    return listed


def _replaced(recipe: Any, path: Sequence[str], text: str, assignment: str) -> Any:
    name, *rest = path
    current = vars(recipe).get(name)
    if name not in vars(recipe) or bool(rest) != dataclasses.is_dataclass(current):
        raise BadRequest(f"unknown setting '{assignment.partition('=')[0]}'; available: {', '.join(settings(recipe))}")
    kind = get_type_hints(type(recipe)).get(name)
    value = _replaced(current, rest, text, assignment) if rest else _read(text, kind, current, assignment)
    return dataclasses.replace(recipe, **{name: value})


def _read(text: str, kind: Any, current: Any, assignment: str) -> Any:
    if kind not in _READERS:
        raise BadRequest(f"{assignment}: only the task's file can change this setting")
    expected, read = _READERS[kind]
    try:
        return read(text)
    except (ValueError, KeyError) as error:
        raise BadRequest(f"{assignment}: expected {expected}, such as {_written(current)}") from error


def _written(value: Any) -> str:
    """Return *value* as `_read` takes it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


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


_READERS: dict[Any, tuple[str, Callable[[str], Any]]] = {
    bool: ("true or false", lambda text: _TRUTH[text.lower()]),
    int: ("a whole number of at least 0", _count),
    float: ("a finite number", _finite),
    str: ("a text", str),
    tuple[int, ...]: ("whole numbers of at least 1, separated by commas", _numbers),
    tuple[str, ...]: ("names separated by commas", _names),
}
