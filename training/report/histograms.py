"""Distributions as the page draws them: as SVG, whose text is HTML beside it, so that the browser has all letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from training.insight.distributions import Distribution

WIDTH, HEIGHT = 200.0, 48.0
"""Of the drawing, in its own units; the page stretches it."""
MOST_CARDS = 60
"""So many fields are shown, those that differ first; metrics.json has all of them."""


@dataclass(frozen=True)
class Bar:
    """The bar of the training rows; *line* is the height to which the test rows reach."""

    x: float
    width: float
    height: float
    line: float


def bars(drawn: Distribution) -> list[Bar]:
    """Return a bar for each bin of a distribution of numbers."""
    highest = max(*drawn.train, *drawn.test, 1e-9)
    width = WIDTH / len(drawn.train)
    return [
        Bar(round(place * width, 2), round(width * 0.9, 2), round(HEIGHT * one / highest, 2),
            round(HEIGHT * other / highest, 2))
        for place, (one, other) in enumerate(zip(drawn.train, drawn.test, strict=True))
    ]  # fmt: skip


def told(drawn: Distribution) -> str:
    """Return the quartiles of a distribution of numbers, in words."""
    if not drawn.quartiles:
        return "no training row has a value"
    low, first, middle, third, high = (_day(it) if drawn.is_date else f"{it:.4g}" for it in drawn.quartiles)
    return f"{low} to {high}, half of it {first} to {third}, median {middle}"


def shown(fields: Sequence[Distribution]) -> list[Distribution]:
    """Return the fields that the page shows, in their order: where there are too many, those that differ first."""
    first = sorted(range(len(fields)), key=lambda place: (not fields[place].differs, place))[:MOST_CARDS]
    return [fields[place] for place in sorted(first)]


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
