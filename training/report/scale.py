"""The scale on which the page draws the intervals of slices beside each other."""

from dataclasses import dataclass

from training.insight.slices import Slices


@dataclass(frozen=True)
class Scale:
    """From *low* to *high*; *whole* is the metric of all rows."""

    low: float
    high: float
    whole: float

    def place(self, value: float) -> float:
        """Return where *value* is, from 2 at the lowest to 98 at the highest."""
        span = (self.high - self.low) or 1.0
        return round(2 + 96 * min(max((value - self.low) / span, 0.0), 1.0), 1)


def scale(found: Slices) -> Scale:
    """Return the scale that holds the intervals of all slices."""
    return Scale(
        min([found.whole, *(each.low for each in found.slices)]),
        max([found.whole, *(each.high for each in found.slices)]),
        found.whole,
    )
