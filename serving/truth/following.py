"""Follows the captures and the feedback of a model: each look reads the parts that are new, and only these."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from serving.captures import CAPTURES, FEEDBACK, SHADOWS, Capture, DamagedCapture, ShadowAnswer, parts_in, read_part
from serving.captures.reader import files_of
from serving.truth.feedback import Feedback
from serving.truth.index import TruthIndex
from serving.truth.report import Report

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


def models_in(place: str) -> list[str]:
    """List the models that have captures or feedback at *place*; raises UnusableCaptures or OSError."""
    folders = [path for kind in (CAPTURES, FEEDBACK) for path in files_of(place).glob(f"{place.rstrip('/')}/*/{kind}")]
    return sorted({path.rstrip("/").rsplit("/", 2)[-2] for path in folders})


class Follower:
    """Joins what there is of *model* at *place* for the last *window*. For one thread.

    *damaged* counts the parts of which a line is none of it; what comes after that line is left out.
    """

    def __init__(self, place: str, model: str, window: timedelta) -> None:
        self._place = place
        self._model = model
        self._window = window
        self._read: dict[str, datetime] = {}
        self._index = TruthIndex()
        self.damaged = 0

    def close(self) -> None:
        """Give back the disk space."""
        self._index.close()

    def look(self, now: datetime | None = None, since: datetime | None = None) -> Report:
        """Read the parts that are new, and report on the window that ends *now*, or on all from *since* until then.

        Raises UnusableCaptures, TooManyAnswers or OSError; a later look may succeed.
        """
        now = now or datetime.now(UTC)
        since = since or now - self._window
        self._index.add_captures(self._new(CAPTURES, Capture.from_json, since))
        self._index.add_shadows(self._new(SHADOWS, ShadowAnswer.from_json, since))
        self._index.add_feedback(self._new(FEEDBACK, Feedback.from_json, since))
        self._index.forget(since.timestamp())
        self._read = {path: time for path, time in self._read.items() if time >= since - _KEPT}
        return self._index.report(since.timestamp(), now.timestamp())

    def _new(self, kind: str, read: Callable[[bytes], _T], since: datetime) -> Iterator[_T]:
        for path, name in parts_in(self._place, self._model, kind, since):
            if path not in self._read:
                yield from self._lines(path, read)
                self._read[path] = name.time

    def _lines(self, path: str, read: Callable[[bytes], _T]) -> Iterator[_T]:
        try:
            yield from read_part(self._place, path, read)
        except FileNotFoundError:  # it was too old, and removed meanwhile
            return
        except DamagedCapture as error:
            self.damaged += 1
            _log.warning("the rest of a part is left out: %s", error)


_KEPT = timedelta(days=1)
"""How long a part is remembered after its window: it may still be listed for a while."""
