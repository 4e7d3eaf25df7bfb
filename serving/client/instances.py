"""Instances as the JSON of request bodies, no larger than the gateway takes. Files become base64."""

import base64
import json
import math
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from serving.errors import Fault, InvalidInstance, RequestTooLarge, shown

MAX_BODY_BYTES = 256 * 1024 * 1024
"""No body is larger, whatever the gateway takes."""

_MAX_DEPTH = 100
_MAX_FAULTS = 20
_LISTED = (list, str, int, float, date, bytes)
"""What NumPy's arrays and scalars hold."""

_START, _END = b'{"instances":[', b"]}"


@dataclass(frozen=True)
class Limits:
    """How much the gateway takes in one request."""

    instances: int
    body_bytes: int

    def least(self, other: "Limits") -> "Limits":
        """Return the smaller of each."""
        return Limits(min(self.instances, other.instances), min(self.body_bytes, other.body_bytes))


@dataclass(frozen=True)
class Part:
    """As many encoded instances as fit into one request; *first* is the number of the first of them."""

    first: int
    encoded: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """The body of the request."""
        return _START + b",".join(self.encoded) + _END


class Unsent:
    """Instances for *model* that are still to be sent. Each is encoded only once its turn comes."""

    def __init__(self, model: str, instances: Iterable[Any]) -> None:
        self._model = model
        self._rest: Iterator[Any] = enumerate(instances)
        self._encoded: Iterator[bytes] = iter(())
        self._first = 0

    def take(self, limits: Limits) -> Part | None:
        """Return what fits into the next request, None if nothing is left.

        Raise InvalidInstance or RequestTooLarge.
        """
        taken: list[bytes] = []
        size = len(_START) + len(_END) - 1
        while len(taken) < limits.instances and (one := self._next(limits)) is not None:
            size += len(one) + 1
            if size > limits.body_bytes:
                self._encoded = chain([one], self._encoded)
                break
            taken.append(one)
        part = Part(self._first, tuple(taken))
        self._first += len(taken)
        return part if taken else None

    def put_back(self, part: Part) -> None:
        """Take back what was just taken."""
        self._encoded = chain(part.encoded, self._encoded)
        self._first = part.first

    def _next(self, limits: Limits) -> bytes | None:
        one = next(self._encoded, None)
        if one is None:
            for row, instance in self._rest:
                return encoded(self._model, row, instance, limits)
        return one


def encoded(model: str, row: int, instance: Any, limits: Limits) -> bytes:
    """Return *instance*, number *row* of those for *model*, as JSON. Raise InvalidInstance or RequestTooLarge."""
    reading = _Reading(row, limits.body_bytes)
    plain = reading.plain(instance, ())
    if reading.faults:
        raise InvalidInstance(model, reading.faults[:_MAX_FAULTS], len(reading.faults))
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if len(text) + len(_START) + len(_END) > limits.body_bytes:
        expected = f"expected a body of at most {limits.body_bytes} bytes"
        raise RequestTooLarge(f"{expected}, got {len(text)} for instance {row} alone", model)
    return text


class _Reading:
    """Makes JSON values of one instance and keeps all that is wrong with it."""

    def __init__(self, row: int, max_bytes: int) -> None:
        self._row = row
        self._max_bytes = max_bytes
        self.faults: list[Fault] = []

    def plain(self, value: Any, path: tuple[str | int, ...]) -> Any:
        if len(path) > _MAX_DEPTH:
            return self._fault(path[:3], f"values nested at most {_MAX_DEPTH} deep", "deeper")
        if value is None or isinstance(value, bool):
            return value
        for types, read in _READERS:
            if isinstance(value, types):
                return read(self, value, path)
        if hasattr(value, "tolist") and isinstance(listed := value.tolist(), _LISTED):
            return self.plain(listed, path)
        return self._fault(path, "text, a number, a date, a file's path, bytes, a list or a mapping", shown(value))

    def text(self, value: str, path: tuple[str | int, ...]) -> Any:
        try:
            value.encode()
        except UnicodeEncodeError:
            return self._fault(path, "text of Unicode characters", ascii(value[:40]))
        return value

    def integer(self, value: int, path: tuple[str | int, ...]) -> Any:
        return value if -(2**63) <= value < 2**64 else self._fault(path, "a number of 64 bits", "a larger one")

    def number(self, value: float, path: tuple[str | int, ...]) -> Any:
        return float(value) if math.isfinite(value) else self._fault(path, "a finite number or None", str(value))

    def day(self, value: date, path: tuple[str | int, ...]) -> str:
        return value.isoformat()

    def file(self, value: Path, path: tuple[str | int, ...]) -> Any:
        try:
            status = value.stat()
            if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for, a device never ends
                return self._fault(path, "the path of a file", f"{shown(str(value))}, which is none")
            if status.st_size > self._max_bytes:
                return self._fault(path, f"a file of at most {self._max_bytes} bytes", f"{status.st_size}")
            return self.binary(value.read_bytes(), path)
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or error
            return self._fault(path, "a file that can be read", f"{shown(str(value))}: {problem}")

    def binary(self, value: bytes, path: tuple[str | int, ...]) -> str:
        return base64.b64encode(value).decode()

    def mapping(self, value: Mapping[Any, Any], path: tuple[str | int, ...]) -> Any:
        if odd := [name for name in value if not isinstance(name, str)]:
            return self._fault(path, "names that are text", shown(odd[0]))
        return {self.text(name, (*path, name)): self.plain(each, (*path, name)) for name, each in value.items()}

    def items(self, value: list[Any] | tuple[Any, ...], path: tuple[str | int, ...]) -> list[Any]:
        return [self.plain(each, (*path, index)) for index, each in enumerate(value)]

    def _fault(self, path: tuple[str | int, ...], expected: str, got: str) -> None:
        self.faults.append(Fault(self._row, path, expected, got))


_READERS: tuple[tuple[type | tuple[type, ...], Any], ...] = (
    (str, _Reading.text),
    (int, _Reading.integer),
    (float, _Reading.number),
    (date, _Reading.day),
    (Path, _Reading.file),
    ((bytes, bytearray), _Reading.binary),
    (Mapping, _Reading.mapping),
    ((list, tuple), _Reading.items),
)
