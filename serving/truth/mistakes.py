"""The last answers that turned out to be wrong, of some of the newest captures; and measures over the same answers."""

import heapq
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from serving.captures import CAPTURES, FEEDBACK, Capture
from serving.statistics.intervals import Sums
from serving.truth.comparing import SHARES, NoComparison, Outcome, compare
from serving.truth.feedback import Feedback
from serving.truth.report import Measure
from serving.truth.skimming import Budget, Skimmer

MOST_MISTAKES = 20
MOST_TRUTHS = 20_000
MOST_SECONDS, MOST_BYTES = (1.0, 2.0), (16_000_000, 64_000_000)
"""For truths, and for the answers that they are of."""

_ID = re.compile(rb'"request_id":"([A-Za-z0-9._~:/+=@-]{1,128})"')
_HEAD_BYTES = 400
_Key = tuple[str, int]


@dataclass(frozen=True)
class Mistake:
    """A captured answer, and what turned out to be *truth*."""

    capture: Capture
    truth: Any


@dataclass(frozen=True)
class Mistakes:
    """The last *mistakes*, newest first, among answers whose truth is known; *measures* of these by version.

    Of numbers without bounds, *are_errors*: they are the answers that were farthest off, the farthest first. What was
    read goes back to *since*; it *is_complete* if there was no more. *damaged* parts or lines were left out.
    """

    mistakes: tuple[Mistake, ...]
    are_errors: bool
    known: int
    measures: tuple[tuple[int, Measure], ...]
    since: datetime | None
    is_complete: bool
    damaged: int


def find_mistakes(place: str, model: str, now: datetime | None = None) -> Mistakes:
    """Look for the last mistakes of *model* in the captures at *place*, for a few seconds at most.

    Raises UnusableCaptures, OSError, or what errors a store has of its own.
    """
    now = now or datetime.now(UTC)
    feedback = Skimmer(place, model, FEEDBACK, Budget(MOST_SECONDS[0], MOST_BYTES[0]))
    truths = _truths(feedback, now)
    captures = Skimmer(place, model, CAPTURES, Budget(MOST_SECONDS[1], MOST_BYTES[1]))
    found = _Found()
    for capture in _captures(captures, now, truths):
        found.add(capture, truths.pop((capture.request_id, capture.index)).truth)
        if not truths:
            break
    is_complete = feedback.is_complete and (captures.is_complete or not truths)
    return found.told(captures.since, is_complete, feedback.damaged + captures.damaged)


def _truths(skimmer: Skimmer, now: datetime) -> dict[_Key, Feedback]:
    """Return the latest truth of each answer, as far as they were read."""
    truths: dict[_Key, Feedback] = {}
    for line in skimmer.lines(now):
        try:
            told = Feedback.from_json(line)
        except ValueError:
            skimmer.damaged += 1
            continue
        known = truths.get(key := (told.request_id, told.index))
        if known is None or told.time >= known.time:
            truths[key] = told
        if len(truths) >= MOST_TRUTHS:
            break
    return truths


def _captures(skimmer: Skimmer, now: datetime, truths: Mapping[_Key, Feedback]) -> Iterator[Capture]:
    """Yield the answers of which there are truths; most lines are not parsed for that."""
    ids = {request_id.encode() for request_id, _ in truths}
    for line in skimmer.lines(now) if ids else ():
        named = _ID.search(line, 0, _HEAD_BYTES)
        if named and named[1] not in ids:
            continue
        try:
            capture = Capture.from_json(line)
        except ValueError:
            skimmer.damaged += 1
            continue
        is_answered = capture.answer is not None and capture.version is not None
        if is_answered and (capture.request_id, capture.index) in truths:
            yield capture


class _Found:
    """Keeps the few that are told, and sums over all."""

    def __init__(self) -> None:
        self._wrong: list[tuple[float, int, Mistake]] = []
        self._far: list[tuple[float, int, Mistake]] = []
        self._sums: defaultdict[tuple[int, str, str], list[float]] = defaultdict(lambda: [0.0] * 8)
        self._numbers = count()
        self._known = 0

    def add(self, capture: Capture, truth: Any) -> None:
        """Take an answer with its truth, unless they are of different kinds."""
        try:
            outcomes = compare(capture.answer, truth)
        except (NoComparison, LookupError, TypeError, AttributeError):  # whoever wrote the capture
            return
        self._known += 1
        for outcome in outcomes:
            self._sum(capture, outcome)
        shares = [it.value for it in outcomes if it.measure in SHARES]
        if shares and min(shares) == 0:
            self._keep(self._wrong, capture.time.timestamp(), Mistake(capture, truth))
        elif not shares and (error := max((it.value for it in outcomes), default=0.0)):
            self._keep(self._far, error, Mistake(capture, truth))

    def told(self, since: datetime | None, is_complete: bool, damaged: int) -> Mistakes:
        """Return what was found."""
        are_errors = bool(self._far) and not any(name in SHARES for _, _, name in self._sums)
        chosen = sorted(self._far if are_errors else self._wrong, reverse=True)
        measures = tuple(
            (version, Measure.of(head, name, Sums(int(sums[0]), *sums[1:6]), *sums[6:]))
            for (version, head, name), sums in sorted(self._sums.items())
        )
        mistakes = tuple(mistake for _, _, mistake in chosen)
        return Mistakes(mistakes, are_errors, self._known, measures, since, is_complete, damaged)

    def _keep(self, heap: list[tuple[float, int, Mistake]], rank: float, mistake: Mistake) -> None:
        push = heapq.heappush if len(heap) < MOST_MISTAKES else heapq.heappushpop
        push(heap, (rank, next(self._numbers), mistake))

    def _sum(self, capture: Capture, outcome: Outcome) -> None:
        value, per, weight = outcome.value, outcome.per, 1 / capture.share
        wv, wp = weight * value, weight * per
        added = (1, wp, wv, wv * wv, wv * wp, wp * wp, value, value * value)
        sums = self._sums[capture.version or 0, outcome.head, outcome.measure]
        sums[:] = [before + more for before, more in zip(sums, added, strict=True)]
