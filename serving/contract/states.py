"""Reading a part's JSON state strictly: a wrong type is refused here, not met later in the midst of a request."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from serving.errors import shown


class Misfit(ValueError):
    """The value called *name* is not what was expected; *within* leads from there to the item that is wrong."""

    def __init__(self, name: str, problem: str, *within: str | int) -> None:
        self.path: tuple[str | int, ...] = (name, *within)
        self.problem = problem
        super().__init__(f"{'/'.join(map(str, self.path))}: {problem}")


def given(state: Mapping[str, Any], name: str) -> Any:
    """Return any value, None if there is none: who takes it checks it."""
    return state.get(name)


def choice(state: Mapping[str, Any], name: str, choices: Sequence[Any]) -> Any:
    """Return one of *choices*; raises Misfit."""
    value = state.get(name)
    if not any(value == known and type(value) is type(known) for known in choices):
        raise Misfit(name, f"expected one of {', '.join(map(str, choices))}, got {shown(value)}")
    return value


def flag(state: Mapping[str, Any], name: str) -> bool:
    """Return a truth value; raises Misfit."""
    value = state.get(name)
    if not isinstance(value, bool):
        raise Misfit(name, f"expected true or false, got {shown(value)}")
    return value


def whole(state: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """Return a whole number from *least* to *most*; raises Misfit."""
    return _whole(state.get(name), least, most, name)


def finite(state: Mapping[str, Any], name: str) -> float:
    """Return a finite number; raises Misfit."""
    return _finite(state.get(name), name)


def finite_or_none(state: Mapping[str, Any], name: str) -> float | None:
    """Return a finite number or None; raises Misfit, also if it is not there."""
    if name not in state:
        raise Misfit(name, "expected a number or null, got nothing")
    return None if state[name] is None else _finite(state[name], name)


def finites(state: Mapping[str, Any], name: str) -> tuple[float, ...]:
    """Return finite numbers; raises Misfit."""
    return tuple(_finite(value, name, place) for place, value in enumerate(listed(state, name)))


def wholes(state: Mapping[str, Any], name: str, least: int, most: int) -> tuple[int, ...]:
    """Return whole numbers from *least* to *most*; raises Misfit."""
    return tuple(_whole(value, least, most, name, place) for place, value in enumerate(listed(state, name)))


def text(state: Mapping[str, Any], name: str) -> str:
    """Return a text; raises Misfit."""
    return _text(state.get(name), name)


def texts(state: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return texts; raises Misfit."""
    return tuple(_text(value, name, place) for place, value in enumerate(listed(state, name)))


def filled(state: Mapping[str, Any], name: str) -> str:
    """Return a text that is not empty; raises Misfit."""
    if not (value := text(state, name)):
        raise Misfit(name, "expected a text, got an empty one")
    return value


def mapping(state: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object; raises Misfit."""
    return _mapping(state.get(name), name)


def mappings(state: Mapping[str, Any], name: str) -> tuple[dict[str, Any], ...]:
    """Return objects, at least one; raises Misfit."""
    values = tuple(_mapping(value, name, place) for place, value in enumerate(listed(state, name)))
    if not values:
        raise Misfit(name, "expected at least one, got none")
    return values


def listed(state: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list; raises Misfit."""
    value = state.get(name)
    if not isinstance(value, list):
        raise Misfit(name, f"expected a list, got {shown(value)}")
    return value


def distinct(states: Sequence[Mapping[str, Any]], name: str, of: str) -> None:
    """Raise Misfit for the first of *states*, the list called *of*, whose text called *name* is there before."""
    seen: set[str] = set()
    for place, state in enumerate(states):
        if (value := _text(state.get(name), of, place, name)) in seen:
            raise Misfit(of, f"expected names that differ from each other, got {shown(value)} twice", place, name)
        seen.add(value)


def _mapping(value: Any, *path: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Misfit(path[0], f"expected an object, got {shown(value)}", *path[1:])
    return value


def _whole(value: Any, least: int, most: int, *path: Any) -> int:
    if type(value) is not int:
        raise Misfit(path[0], f"expected a whole number, got {shown(value)}", *path[1:])
    if not least <= value <= most:
        raise Misfit(path[0], f"expected {least:,} to {most:,}, got {value:,}", *path[1:])
    return value


def _finite(value: Any, *path: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit(path[0], f"expected a number, got {shown(value)}", *path[1:])
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Misfit(path[0], f"expected a finite number, got {number}", *path[1:])
    return number


def _text(value: Any, *path: Any) -> str:
    if not isinstance(value, str):
        raise Misfit(path[0], f"expected a text, got {shown(value)}", *path[1:])
    return value
