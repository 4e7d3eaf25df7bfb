"""Where in a TOML file something stands: the table, the key and, where it can be found, the line."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from training.errors import BadRequest


@dataclass(frozen=True)
class Source:
    """A TOML file and its text."""

    path: Path
    text: str

    def refuse(self, keys: Sequence[str], problem: str) -> NoReturn:
        """Raise BadRequest for what stands at *keys*, the names of tables and at last of a key."""
        line = line_of(self.text, keys)
        at = f", line {line}" if line else ""
        raise BadRequest(f"{self.path}{at}: {shown(keys)}: {problem}")


def shown(keys: Sequence[str]) -> str:
    """Return keys as a reader looks for them: `[fields.age] scale`."""
    if len(keys) < 2:
        return f"[{keys[0]}]" if keys else "the file"
    return f"[{'.'.join(keys[:-1])}] {keys[-1]}"


def line_of(text: str, keys: Sequence[str]) -> int:
    """Return the line of the table or key at *keys*, of the nearest table around it that has one, or 0."""
    found: dict[tuple[str, ...], int] = {(): 0}
    table: tuple[str, ...] = ()
    within = False  # a text of several lines
    for number, line in enumerate(text.splitlines(), start=1):
        stripped, ended = line.strip(), within
        within ^= (line.count('"""') + line.count("'''")) % 2 == 1
        if ended:
            continue
        if stripped.startswith("["):
            table = _path(_header(stripped))
            _note(found, table, number)
        elif "=" in stripped and not stripped.startswith("#"):
            _note(found, (*table, *_path(_key(stripped))), number)
    path = tuple(keys)
    while path not in found:
        path = path[:-1]
    return found[path]


def _note(found: dict[tuple[str, ...], int], path: tuple[str, ...], number: int) -> None:
    for end in range(1, len(path) + 1):
        found.setdefault(path[:end], number)


def _key(line: str) -> Mapping[str, Any]:
    for end in (place for place, mark in enumerate(line) if mark == "="):
        if parsed := _parsed(line[:end] + "= 0"):
            return parsed
    return {}


def _header(line: str) -> Mapping[str, Any]:
    for end in (place + 1 for place, mark in enumerate(line) if mark == "]"):
        if parsed := _parsed(line[:end]):
            return parsed
    return {}


def _parsed(line: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(line)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _path(parsed: Any) -> tuple[str, ...]:
    if not (isinstance(parsed, dict) and len(parsed) == 1):
        return ()
    ((key, inner),) = parsed.items()
    return (key, *_path(inner))
