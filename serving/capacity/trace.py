"""What became of the requests of a simulation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.capacity.queue_theory import Seconds

_WINDOW_SECONDS = 5
"""A percentile of less time would often miss the target by chance."""

_FEW = 100
"""Fewer answers have no 99th percentile."""


@dataclass(frozen=True)
class Trace:
    """When each request *came*, what its answer *took* in seconds (NaN if none came in time), and who was *refused*."""

    came: Seconds
    took: Seconds
    refused: NDArray[np.bool_]

    @property
    def failed(self) -> NDArray[np.bool_]:
        """The requests that got no answer in time, and no refusal either."""
        return np.isnan(self.took) & ~self.refused

    def percentile(self, percent: float) -> float:
        """Return that percentile of the answers' times; NaN if there are none."""
        answers = self.took[~np.isnan(self.took)]
        return float(np.percentile(answers, percent)) if len(answers) else float("nan")

    def windows(self) -> list["Trace"]:
        """Return the part of each five seconds."""
        ends = np.arange(_WINDOW_SECONDS, float(self.came.max(initial=0.0)), _WINDOW_SECONDS)
        borders = np.searchsorted(self.came, ends)
        parts = (np.split(values, borders) for values in (self.came, self.took, self.refused))
        return [Trace(*part) for part in zip(*parts, strict=True)]

    def missed_until(self, p99_seconds: float) -> float:
        """Return when the last request came that failed, or was refused, or was in a window that missed the target.

        A window misses it if its 99th percentile is above *p99_seconds*. Return 0 if there was none.
        """
        late = (
            part.came[part.took > p99_seconds]
            for part in self.windows()
            if len(part.came) >= _FEW and part.percentile(99) > p99_seconds
        )
        return max((float(came.max()) for came in (self.came[np.isnan(self.took)], *late) if len(came)), default=0.0)
