"""Sequential tests of a canary against the stable version. All take arrays of counts, one for each look.

Each test has two hypotheses: the canary is as good as the stable version, or worse by a named amount. The evidence is
the logarithm of their likelihood ratio: negative speaks for equal, positive for worse. Such ratios stay valid however
often one looks (Wald 1945, "Sequential tests of statistical hypotheses", Ann. Math. Stat. 16; Ramdas et al. 2023,
"Game-theoretic statistics and safe anytime-valid inference", Statist. Sci. 38): for an equal canary, the chance that
the ratio ever reaches A is at most 1 / A. What is not known, like the stable version's rate, is estimated under each
hypothesis, so that holds approximately; `python -m benchmarks canary` measures how well.
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]

_HALVINGS = 16
_TINY = 1e-12


def shares(canary: Counts, of: Counts, stable: Counts, of_stable: Counts, more: float | Counts) -> Counts:
    """Return the evidence that the canary's share of such requests is larger by *more*, rather than the same.

    *canary* of *of* requests were such (failed, say), and *stable* of *of_stable*. *more* is a difference of shares.
    """
    worse, same = (_fit(canary, of, stable, of_stable, by) for by in (more, 0.0))
    return worse - same


def larger_shares(canary: Counts, of: Counts, stable: Counts, of_stable: Counts, more: float | Counts) -> Counts:
    """Return the evidence that the canary's share is larger by whatever it seems to be, rather than by *more*.

    It is a lower bound of the mixture over all pairs of shares (Krichevsky and Trofimov 1981, IEEE Trans. Inf. Theory
    27), divided by the best that such shares can do (Wasserman, Ramdas and Balakrishnan 2020, "Universal inference",
    PNAS 117): exact for independent requests, at the price of some more evidence. Minus infinity if it is not larger.
    """
    price = 0.5 * np.log(np.maximum(of, 1)) + 0.5 * np.log(np.maximum(of_stable, 1)) + 2 * np.log(2)
    rate, stable_rate = canary / np.maximum(of, _TINY), stable / np.maximum(of_stable, _TINY)
    apart = _likelihood(canary, of, rate) + _likelihood(stable, of_stable, stable_rate)
    return np.where(rate > stable_rate + more, apart - price - _fit(canary, of, stable, of_stable, more), -np.inf)


def paired_shares(first: Counts, second: Counts, of: Counts, more: float) -> Counts:
    """Return the evidence that *first* is more likely than *second* by *more*, rather than as likely.

    Of *of* trials each had the one outcome, or the other, or neither. With *more* = 0 this is McNemar's test as a
    likelihood ratio.
    """
    evidence: Counts = _paired_fit(first, second, of, more) - _paired_fit(first, second, of, 0.0)
    return evidence


def larger_paired_shares(first: Counts, second: Counts, of: Counts, more: float) -> Counts:
    """Return the evidence that *first* is more likely than *second* by whatever it seems to be, rather than by *more*.

    As `larger_shares`, with a mixture over all probabilities of the three outcomes. Minus infinity if it is not.
    """
    neither, total = np.maximum(of - first - second, 0.0), np.maximum(of, _TINY)
    best = sum(each * np.log(np.maximum(each / total, _TINY)) for each in (first, second, neither))
    price = np.log(np.maximum(of, 1)) + np.log(3)
    return np.where((first - second) / total > more, best - price - _paired_fit(first, second, of, more), -np.inf)


def means(difference: float | Counts, variance: Counts, more: float | Counts) -> Counts:
    """Return the evidence that a mean is larger by *more*, of a *difference* seen with that *variance* of its own."""
    evidence: Counts = more * (difference - more / 2) / np.maximum(variance, _TINY)
    return evidence


def _fit(canary: Counts, of: Counts, stable: Counts, of_stable: Counts, more: float | Counts) -> Counts:
    """Return the log-likelihood at the stable version's most likely share, if the canary's is larger by *more*."""
    rate, stable_rate = canary / np.maximum(of, _TINY) - more, stable / np.maximum(of_stable, _TINY)
    rate, stable_rate = np.where(of > 0, rate, stable_rate), np.where(of_stable > 0, stable_rate, rate)
    low, high = (np.clip(bound(rate, stable_rate), 0, 1 - more) for bound in (np.minimum, np.maximum))
    for _ in range(_HALVINGS):  # the likelihood is concave, and each side's own best is at one end
        share = (low + high) / 2
        rises = _slope(canary, of, share + more) + _slope(stable, of_stable, share) > 0
        low, high = np.where(rises, share, low), np.where(rises, high, share)
    ends = [_likelihood(canary, of, share + more) + _likelihood(stable, of_stable, share) for share in (low, high)]
    return np.maximum(*ends)


def _paired_fit(first: Counts, second: Counts, of: Counts, more: float) -> Counts:
    """Return the log-likelihood at the most likely share of *second*, if that of *first* is larger by *more*.

    There its derivative is zero, which is a quadratic equation: first / (share + more) + second / share
    = 2 * neither / (1 - more - 2 * share).
    """
    neither = np.maximum(of - first - second, 0.0)
    slope = 2 * more * (neither + second) - (first + second) * (1 - more)
    root = np.sqrt(slope**2 + 8 * np.maximum(of, _TINY) * second * more * (1 - more))
    share = np.clip((root - slope) / (4 * np.maximum(of, _TINY)), 0, (1 - more) / 2)
    parts = ((first, share + more), (second, share), (neither, 1 - more - 2 * share))
    fit: Counts = sum((count * np.log(np.maximum(part, _TINY)) for count, part in parts), np.zeros_like(of))
    return fit


def _slope(count: Counts, of: Counts, share: Counts) -> Counts:
    slope: Counts = count / np.maximum(share, _TINY) - (of - count) / np.maximum(1 - share, _TINY)
    return slope


def _likelihood(count: Counts, of: Counts, share: Counts) -> Counts:
    inside = np.clip(share, _TINY, 1 - _TINY)
    likelihood: Counts = count * np.log(inside) + (of - count) * np.log1p(-inside)
    return likelihood
