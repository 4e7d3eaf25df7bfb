"""What became of a run: when it ran, which version it is, and which version was live before it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from training.report.words import duration


@dataclass(frozen=True, kw_only=True)
class Live:
    """The version that was live when the run ended.

    *metric* is the run's own metric on the same test rows; *chance* tells how likely chance alone would make the new
    model look this much worse. Where the version could not answer these rows, *why_not* follows "which". *trained_at*
    is empty if its contract does not tell.
    """

    version: int
    trained_at: str = ""
    metric: float | None = None
    chance: str = ""
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A run *started* and *ended*, and was published as *version*; None if it was refused."""

    started: datetime
    ended: datetime = field(default_factory=lambda: datetime.now(UTC))
    version: int | None
    live: Live | None = None

    @property
    def took(self) -> str:
        """How long it took, in words."""
        return duration((self.ended - self.started).total_seconds())
