"""95 % intervals of what is estimated from answers whose truth is known.

A share, such as accuracy, has Wilson's score interval (Wilson 1927, JASA 22): it stays within 0 and 1, and holds what
it says for few answers too. Weighted answers count as fewer, by Kish's effective sample size (Kish 1965, "Survey
Sampling", 11.7).

A mean, such as of absolute errors, or a ratio of sums, such as micro-averaged F1, has Student's t interval with the
linearised variance of a ratio (Cochran 1977, "Sampling Techniques", 6.3), which for a plain mean is the usual
`s / sqrt(n)`. There is none below MIN_ANSWERS; with few answers and skewed errors it holds somewhat less than it says.
"""

import math
from dataclasses import dataclass

MIN_ANSWERS = 5
"""The least answers of which a mean has an interval."""

_Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True)
class Sums:
    """Sums over answers of weight w, that count v of p: 1 or 0 of 1 if an answer is right or wrong, say.

    *answers* is their number. The others are of w p, w v, w2 v2, w2 v p and w2 p2.
    """

    answers: int
    wp: float
    wv: float
    vv: float
    vp: float
    pp: float

    @property
    def estimate(self) -> float:
        """The ratio of the sums: a share, a mean, or an F1."""
        return self.wv / self.wp if self.wp else 0.0


def share_interval(sums: Sums) -> tuple[float, float]:
    """Return Wilson's interval of a share, of which each p is 1."""
    if not sums.pp:
        return 0.0, 1.0
    size = sums.wp**2 / sums.pp
    share = min(1.0, max(0.0, sums.estimate))
    middle = (share + _Z**2 / (2 * size)) / (1 + _Z**2 / size)
    half = _Z / (1 + _Z**2 / size) * math.sqrt(share * (1 - share) / size + _Z**2 / (4 * size**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_interval(sums: Sums, most: float = math.inf) -> tuple[float, float] | None:
    """Return Student's interval of a mean or a ratio, which is from 0 to *most*; None below MIN_ANSWERS."""
    if sums.answers < MIN_ANSWERS or not sums.wp:
        return None
    ratio, degrees = sums.estimate, sums.answers - 1
    squares = max(0.0, sums.vv - 2 * ratio * sums.vp + ratio**2 * sums.pp)
    half = student(degrees) * math.sqrt(sums.answers / degrees * squares) / sums.wp
    return max(0.0, ratio - half), min(most, ratio + half)


def student(degrees: float) -> float:
    """Return the 97.5 % quantile of Student's t, for 4 *degrees* of freedom or more within 0.1 %.

    That is its expansion about the normal one (Abramowitz and Stegun 1964, 26.7.5).
    """
    z, v = _Z, degrees
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )
