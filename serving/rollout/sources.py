"""Where readings come from: the gateways themselves, or a Prometheus that scrapes them."""

from datetime import datetime
from typing import Protocol

from serving.rollout.readings import Reading


class Source(Protocol):
    """Reads the counters of one model. Raises NoEvidence unless all is there."""

    looks_back: bool
    """Whether it also knows the readings of earlier moments."""

    def read(self, at: datetime | None = None) -> Reading:
        """Return the reading of now, or of an earlier moment."""
        ...
