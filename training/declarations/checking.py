"""Whether a value from TOML is what a type hint asks for; the hints are those of the code that takes the value."""

import types
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    date: "a date such as 2026-11-28",
}


def expected(hint: Any) -> str:
    """Return in words what values *hint* allows."""
    origin = get_origin(hint)
    if origin is Literal:
        return "one of " + ", ".join(repr(option) for option in get_args(hint) if option != "")
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(expected(each) for each in _alternatives(hint)))
    if origin in (tuple, list, Sequence):
        return f"a list [...], each {expected(get_args(hint)[0])}"
    return _WORDS.get(str if hint is Path else hint, "another value")


def allows(hint: Any, value: Any) -> bool:
    """Return whether *value* is one of those that *hint* allows."""
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint) and type(value) is str
    if origin in (Union, types.UnionType):
        return any(allows(each, value) for each in _alternatives(hint))
    if origin in (tuple, list, Sequence):
        return isinstance(value, list) and all(allows(get_args(hint)[0], each) for each in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    if hint is Path:
        return isinstance(value, str)
    return isinstance(hint, type) and isinstance(value, hint)


def taken(hint: Any, value: Any) -> Any:
    """Return an allowed *value* in the type of *hint*: lists become tuples, whole numbers floats."""
    if isinstance(value, list):
        inner = get_args(hint)[0] if get_origin(hint) in (tuple, list, Sequence) else Any
        return tuple(taken(inner, each) for each in value)
    if isinstance(value, int) and not isinstance(value, bool) and _is_float(hint):
        return float(value)
    return value


def _is_float(hint: Any) -> bool:
    return hint is float or (float in get_args(hint) and int not in get_args(hint))


def _alternatives(hint: Any) -> list[Any]:
    return [each for each in get_args(hint) if each is not type(None)]
