"""Looks at two versions again and again within one step."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from serving.canary.evidence import AbsoluteErrors, Evidence, PairedAnswers, PairedErrors, RightAnswers, Seen
from serving.rollout.readings import Increases, Reading
from serving.rollout.seen import given_percent, parity_failures, seen
from serving.rollout.sources import Source

_MOST_EARLIER_LOOKS = 2000
"""Some minutes of a Prometheus's time."""


@dataclass(frozen=True)
class Known:
    """What is known of answers by version; and of those that one version gave, and another as its shadow, by both."""

    versions: Mapping[int, RightAnswers | AbsoluteErrors] = field(default_factory=dict)
    pairs: Mapping[tuple[int, int], PairedAnswers | PairedErrors] = field(default_factory=dict)


Truth = Callable[[datetime], Known]
"""Returns what is known of answers since then. Raises NoEvidence."""


@dataclass
class Looks:
    """The looks of a step, which began at *since* with the reading *first*.

    *alone* is what the stable version did before, if it gets nothing now. *given* is the share, in percent, that
    gateways give at the last look.
    """

    source: Source
    version: int
    stable: int
    truth: Truth
    since: datetime
    first: Reading
    alone: Seen | None = None
    taken: list[Evidence] = field(default_factory=list)
    given: float = 0.0

    def __post_init__(self) -> None:
        """Begin to count."""
        self._increases = Increases(self.first)

    def catch_up(self, every: float, stop: threading.Event) -> None:
        """Take the looks that an earlier command has taken, each *every* seconds, until *stop* is set.

        Raise NoEvidence: then the next call goes on where this one was. Of a step that began long ago there are fewer.
        """
        begun = (datetime.now(UTC) - self.since).total_seconds()
        spacing = max(every, begun / _MOST_EARLIER_LOOKS)
        while not stop.is_set():
            seconds = (self.taken[-1].seconds if self.taken else 0.0) + spacing
            if seconds >= begun:
                return
            self.take(self.since + timedelta(seconds=seconds))

    def take(self, at: datetime | None = None) -> None:
        """Take one more. Raise NoEvidence."""
        reading = self.source.read(at)
        increased = self._increases.add(reading)
        failures = parity_failures(increased, reading, self.version)
        canary = replace(seen(increased, self.version), parity_failures=failures)
        stable = self.alone or seen(increased, self.stable)
        paired = None
        if at is None and not self.alone:  # what is known by now was not known then
            known = self.truth(self.since)
            canary = replace(canary, truth=known.versions.get(self.version))
            stable = replace(stable, truth=known.versions.get(self.stable))
            paired = known.pairs.get((self.stable, self.version))
        seconds = ((at or datetime.now(UTC)) - self.since).total_seconds()
        self.given = given_percent(reading, self.version)
        self.taken.append(Evidence(seconds, canary, stable, paired))


def earlier(source: Source, stable: int, since: datetime, until: datetime) -> Seen:
    """Return what the stable version did between two moments. Raise NoEvidence."""
    return seen(Increases(source.read(since)).add(source.read(until)), stable)
