"""How files of a model's rows are written: as those that it was trained on were, so that scoring reads the same values.

A contract says this only if the model was trained on such a file. Requests are not concerned: JSON has one form.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from serving.contract import states
from serving.contract.places import place

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
DECIMALS = {"point": ".", "comma": ","}
ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The *separator*, *decimal* mark and *encoding* of CSV, and the words for a value that is *missing*.

    Without a *separator* the rows were not CSV, and the words are those for a gap among texts. *dates* has by field how
    dates are written, as `strptime` has it; *delimiters* has what stands between the tags of a cell.
    """

    separator: str = ""
    decimal: str = "."
    encoding: str = "utf-8"
    missing: tuple[str, ...] = ("",)
    dates: Mapping[str, str] = field(default_factory=dict)
    delimiters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_csv(self) -> bool:
        """Whether the rows were CSV."""
        return bool(self.separator)

    def __str__(self) -> str:
        return ", ".join(self._words())

    def _words(self) -> Iterator[str]:
        if self.is_csv:
            yield f"separator {_name(SEPARATORS, self.separator)}"
            yield f"decimal {_name(DECIMALS, self.decimal)}"
            yield self.encoding
        yield "gaps " + " ".join(json.dumps(word, ensure_ascii=False) for word in self.missing)
        yield from (f"dates of {name} like {format}" for name, format in self.dates.items())
        yield from (f"tags of {name} between {delimiter}" for name, delimiter in self.delimiters.items())

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values."""
        own = {"missing": list(self.missing), "dates": dict(self.dates), "delimiters": dict(self.delimiters)}
        csv = {"separator": self.separator, "decimal": self.decimal, "encoding": self.encoding}
        return (csv if self.is_csv else {}) | own

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "Reading":
        """Read what `to_json` returned; raises ValueError or InvalidContract if it is something else."""
        csv = {}
        if "separator" in state:
            csv["separator"] = states.choice(state, "separator", [*SEPARATORS.values()])
            csv["decimal"] = states.choice(state, "decimal", [*DECIMALS.values()])
            csv["encoding"] = states.choice(state, "encoding", ENCODINGS)
        return cls(
            **csv,
            missing=states.texts(state, "missing"),
            dates=_texts_by_name(state, "dates"),
            delimiters=_texts_by_name(state, "delimiters"),
        )


def date_of(text: Any, format: str) -> str | None:
    """Return the date of a cell that is written like *format*, in the form that requests have; None if it is none."""
    with suppress(ValueError, TypeError, AttributeError):
        moment = datetime.strptime(text.strip(), format)
        midnight = "%H" not in format and "%I" not in format
        return moment.date().isoformat() if midnight else moment.isoformat()
    return None


def tags_of(text: Any, delimiter: str) -> list[Any] | None:
    """Return the tags of a cell: a list in JSON, as other files have it, else the parts between the *delimiter*.

    None if it is no text.
    """
    if not isinstance(text, str):
        return None
    if text.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            value = json.loads(text)
            if isinstance(value, list):
                return value
    return [part.strip() for part in text.split(delimiter) if part.strip()]


def _name(names: Mapping[str, str], mark: str) -> str:
    return next(name for name, of in names.items() if of == mark)


def _texts_by_name(state: Mapping[str, Any], name: str) -> dict[str, str]:
    found = states.mapping(state, name)
    with place(name):
        return {key: states.filled(found, key) for key in found}
