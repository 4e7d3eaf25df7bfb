"""Follows the weights document in a file, whose last good content stays in force."""

import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from serving.catalog.weights import EVEN, MAX_BYTES, InvalidWeights, Lines, Weights, parse, with_shadows

_log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
_CLOSE_SECONDS = 3.0


def read_weights(path: Path) -> dict[str, Lines]:
    """Read a document. Raise InvalidWeights."""
    try:
        with path.open("rb") as file:
            return parse(file.read(MAX_BYTES + 1).decode())
    except OSError as error:
        raise InvalidWeights(f"expected a file that can be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidWeights(f"expected text in UTF-8: {error}") from error


def _stamped(path: Path) -> tuple[int, ...]:
    try:
        stat = os.stat(path)  # follows links, which Kubernetes swaps
    except OSError as error:
        raise InvalidWeights(f"expected a file that can be read: {error.strerror}") from error
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


class WeightsFile:
    """The weights in the file *path*, which is read at once, and looked at twice a second from `start` until `close`.

    A file that can't be used is told once. Without a file *fixed* are the weights. Versions that are *shadows* get a
    share only if it is said.
    """

    def __init__(
        self,
        path: Path | None,
        fixed: Weights = MappingProxyType({}),
        shadows: Mapping[str, Collection[int]] = MappingProxyType({}),
    ) -> None:
        self._shadows = shadows
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._lines: dict[str, Lines] | None = None
        self._problem = ""
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.weights: Weights | None = None if path else with_shadows(fixed, shadows)
        """The last good ones; None if there were none yet."""
        self.look()

    @property
    def is_usable(self) -> bool:
        """Whether the file, if there is one, could be used when it was looked at last."""
        return not self._problem

    def named(self, model: str) -> frozenset[int]:
        """Return the versions of a model that are to answer."""
        return (self.weights or {}).get(model, EVEN).named

    def start(self, on_look: Callable[[], None]) -> None:
        """Follow the file in a thread, which calls *on_look* after each look. Call it once before."""
        on_look()
        if self._path:
            self._thread = threading.Thread(target=self._run, args=(on_look,), name="weights", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._closing.set()
        if self._thread:
            self._thread.join(_CLOSE_SECONDS)

    def look(self) -> None:
        """Read the file if it changed, and find what it says now: shares may have come to their end."""
        if self._path is None:
            return
        try:
            stamp = _stamped(self._path)
            if stamp != self._stamp or self._problem:
                self._lines = read_weights(self._path)
                self._stamp = stamp
            self._tell("")
        except InvalidWeights as error:
            self._tell(str(error))
        if self._lines is not None:
            now = datetime.now(UTC)
            weights = with_shadows({model: lines.at(now) for model, lines in self._lines.items()}, self._shadows)
            self.weights = self.weights if weights == self.weights else weights

    def _tell(self, problem: str) -> None:
        if problem and problem != self._problem:
            stays = (
                "the last good one stays in force" if self._lines is not None else "no request is answered until then"
            )
            _log.error("the weights in %s can't be used, %s: %s", self._path, stays, problem)
        elif self._problem and not problem:
            _log.info("the weights in %s can be used again", self._path)
        self._problem = problem

    def _run(self, on_look: Callable[[], None]) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            try:
                self.look()
                on_look()
            except Exception:  # a bug in one look must not end all later ones
                _log.exception("%s: the look failed", self._path)
