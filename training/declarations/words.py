"""Words for people: names and values of unknown origin in one line, and what may have been meant."""

import difflib
import json
from collections.abc import Iterable
from typing import Any

_MOST = 200


def shortened(value: Any) -> str:
    """Return what *value* says, in one line of at most 200 characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."


def quoted(text: Any, most: int = 60) -> str:
    """Return a text of unknown origin, quoted in one printable line."""
    written = json.dumps(text, ensure_ascii=False) if isinstance(text, str) else str(text)
    written = "".join(it if it.isprintable() else f"\\u{ord(it):04x}" for it in written)
    return written if len(written) <= most else f"{written[: most - 3]}..."


def listed(names: Iterable[Any], most: int = 12) -> str:
    """Return *names* with commas between, only the first of many."""
    names = [str(name) for name in names]
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"


def meant(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" if one of *known* is like *name*, else what there is."""
    known = list(known)
    close = difflib.get_close_matches(name.lower(), [it.lower() for it in known], 1, 0.6)
    for each in known:
        if close and each.lower() == close[0]:
            return f"did you mean {quoted(each)}? There is {listed(known)}"
    return f"there is {listed(known)}"
