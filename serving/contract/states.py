"""Reading a part's JSON state strictly: a wrong type is refused here, not met later in the midst of a request."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def choice(state: Mapping[str, Any], name: str, choices: Sequence[Any]) -> Any:
    """Return one of *choices*; raises ValueError or KeyError."""
    value = state[name]
    if not any(value == known and type(value) is type(known) for known in choices):
        raise ValueError(f"{name}: expected one of {', '.join(map(str, choices))}, got {value!r:.60}")
    return value


def flag(state: Mapping[str, Any], name: str) -> bool:
    """Return a truth value; raises TypeError or KeyError."""
    value = state[name]
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected true or false, got {value!r:.60}")
    return value


def whole(state: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """Return a whole number from *least* to *most*; raises TypeError, ValueError or KeyError."""
    value = state[name]
    if type(value) is not int:
        raise TypeError(f"{name}: expected a whole number, got {value!r:.60}")
    if not least <= value <= most:
        raise ValueError(f"{name}: expected {least:,} to {most:,}, got {value:,}")
    return value


def finite(state: Mapping[str, Any], name: str) -> float:
    """Return a finite number; raises TypeError, ValueError or KeyError."""
    return _finite(name, state[name])


def finite_or_none(state: Mapping[str, Any], name: str) -> float | None:
    """Return a finite number or None; raises TypeError, ValueError or KeyError."""
    return None if state[name] is None else _finite(name, state[name])


def finites(state: Mapping[str, Any], name: str) -> tuple[float, ...]:
    """Return finite numbers; raises TypeError, ValueError or KeyError."""
    return tuple(_finite(name, value) for value in _listed(state, name))


def wholes(state: Mapping[str, Any], name: str, least: int, most: int) -> tuple[int, ...]:
    """Return whole numbers from *least* to *most*; raises TypeError, ValueError or KeyError."""
    return tuple(whole({name: value}, name, least, most) for value in _listed(state, name))


def text(state: Mapping[str, Any], name: str) -> str:
    """Return a text; raises TypeError or KeyError."""
    return _text(name, state[name])


def texts(state: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return texts; raises TypeError or KeyError."""
    return tuple(_text(name, value) for value in _listed(state, name))


def filled(state: Mapping[str, Any], name: str) -> str:
    """Return a text that is not empty; raises TypeError, ValueError or KeyError."""
    if not (value := text(state, name)):
        raise ValueError(f"{name}: expected a text, got an empty one")
    return value


def mapping(state: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object; raises TypeError or KeyError."""
    return _mapping(name, state[name])


def mappings(state: Mapping[str, Any], name: str) -> tuple[dict[str, Any], ...]:
    """Return objects, at least one; raises TypeError, ValueError or KeyError."""
    values = tuple(_mapping(name, value) for value in _listed(state, name))
    if not values:
        raise ValueError(f"{name}: expected at least one, got none")
    return values


def distinct(what: str, names: Sequence[str]) -> None:
    """Raise ValueError for a name that is there twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what}: expected names that differ from each other, got {name!r:.60} twice")
        seen.add(name)


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{name}: expected an object, got {value!r:.60}")
    return value


def _listed(state: Mapping[str, Any], name: str) -> list[Any]:
    value = state[name]
    if not isinstance(value, list):
        raise TypeError(f"{name}: expected a list, got {value!r:.60}")
    return value


def _finite(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected a number, got {value!r:.60}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {number}")
    return number


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a text, got {value!r:.60}")
    return value
