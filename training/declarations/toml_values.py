"""Writing TOML: keys, values, and comments of which no text can break out."""

import json
import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def key(*names: str) -> str:
    """Return a dotted key, each part quoted where it must be."""
    return ".".join(name if _BARE.fullmatch(name) else value(name) for name in names)


def value(of: Any) -> str:
    """Return a text, number, truth or list in TOML."""
    if isinstance(of, str):
        return json.dumps(of, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(of, bool):
        return str(of).lower()
    if isinstance(of, list | tuple):
        return "[" + ", ".join(map(value, of)) + "]"
    return repr(of)


def comment(text: str) -> str:
    """Return a comment of one line."""
    return "# " + "".join(it if it.isprintable() else " " for it in text)
