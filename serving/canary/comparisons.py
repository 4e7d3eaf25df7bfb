"""The canary compared with the stable version, measure by measure, at each of many looks.

Counts are arrays whose last axis (before that of buckets or labels) is the looks; they count from the step's begin. So
one canary or a thousand simulated ones are compared by the same code.

Requests are drawn for the canary one by one and at random, so whatever befalls both versions at a time, a burst or the
hour of the day, does so in proportion, and differences within one look are fair. But requests of one version can fail
or be slow together, as they share calls. So the spread of the differences from look to look is compared with that of
independent requests, and where it is k times as large, evidence is divided by k (quasi-likelihood: McCullagh and Nelder
1989, "Generalized linear models", chapter 9). A few looks tell little of k, so evidence counts as that of Student's t.
All that is blind to what lasts longer than a look.
"""

from dataclasses import dataclass

import numpy as np

from serving.canary import likelihoods
from serving.canary.likelihoods import Counts

_TINY = 1e-12
_TAIL = -2.94
"""The logit of a twentieth: a long latency is about what so many of the stable version's requests exceed."""
_SURE = 4.6
"""The most that a share's logit tells of where latencies lie: 99 of 100."""
_TELLING = 0.005
"""A bound that fewer more requests would exceed tells nothing."""


@dataclass(frozen=True)
class Odds:
    """Natural logarithms of likelihood ratios, at each look.

    *worse* is for being worse. *margin* is for being worse by the named amount rather than equal, so far below zero if
    that can be excluded. *equal* is what *margin* would be at the last look if the counts were just those of an equal
    canary, and 0 where nothing can be told.
    """

    worse: Counts
    margin: Counts
    equal: Counts


def shares(canary: Counts, of: Counts, stable: Counts, of_stable: Counts, more: float | Counts) -> Odds:
    """Compare shares of requests: whether the canary's is larger by *more*."""
    of, of_stable = np.maximum(of, canary), np.maximum(of_stable, stable)
    rate, stable_rate = _ratio(canary, of), _ratio(stable, of_stable)
    spread = _Spread.between(canary, of, stable, of_stable, rate * (1 - rate), stable_rate * (1 - stable_rate))
    margin = likelihoods.shares(canary, of, stable, of_stable, more)
    last = [each[..., -1:] for each in (of * stable_rate, of, stable, of_stable, np.broadcast_to(more, of.shape))]
    equal = likelihoods.shares(*last)
    larger = likelihoods.larger_shares(canary, of, stable, of_stable, more / 2)
    worse = np.where(more > 0, np.logaddexp(margin, larger) - np.log(2), 0.0)
    return Odds(spread.weighed(worse), spread.weighed(margin), spread.last().weighed(equal))


def absolute_errors(canary: Counts, stable: Counts, ratio: float) -> Odds:
    """Compare mean absolute errors: is the canary's *ratio* times as large? The last axis: number, sum and squares."""
    of, total, spread = _moments(canary)
    of_stable, stable_total, stable_spread = _moments(stable)
    mean = _ratio(stable_total, of_stable)
    variance = _ratio(spread, of) + _ratio(stable_spread, of_stable)
    is_known = (of > 1) & (of_stable > 1) & (variance > 0) & (mean > 0)
    looks = _Spread.between(total, of, stable_total, of_stable, spread, stable_spread)
    seen, equal = (
        looks.weighed(np.where(is_known, likelihoods.means(difference, variance, (ratio - 1) * mean), 0.0))
        for difference in (_ratio(total, of) - mean, 0.0)
    )
    return Odds(seen, seen, equal)


def paired_answers(canary: Counts, stable: Counts, of: Counts, more: float) -> Odds:
    """Compare wrong answers where both versions gave one: *canary* and *stable* of *of* were wrong of that one only.

    Answers of which both are right, or wrong, tell the share of those that tell something, and nothing else. So far
    fewer are needed than of two versions that answered different requests.
    """
    margin = likelihoods.paired_shares(canary, stable, of, more)
    half = (canary + stable)[..., -1:] / 2
    equal = likelihoods.paired_shares(half, half, of[..., -1:], more)
    larger = likelihoods.larger_paired_shares(canary, stable, of, more / 2)
    difference, zero = canary - stable, np.zeros_like(of)
    variance = _ratio(canary + stable, of) - _ratio(difference, of) ** 2
    spread = _Spread.between(difference, of, zero, zero, variance, zero, -np.inf)
    worse = np.logaddexp(margin, larger) - np.log(2)
    return Odds(spread.weighed(worse), spread.weighed(margin), spread.last().weighed(equal))


def paired_errors(of: Counts, total: Counts, squares: Counts, stable: Counts, ratio: float) -> Odds:
    """Compare absolute errors of the same instances: whether the canary's mean is *ratio* times as large.

    *total* and *squares* are of the canary's less the stable version's, *stable* is the sum of the latter's.
    """
    difference, zero = _ratio(total, of), np.zeros_like(of)
    variance = np.maximum(0.0, _ratio(squares, of) - difference**2)
    more = (ratio - 1) * _ratio(stable, of)
    is_known = (of > 1) & (variance > 0) & (more > 0)
    looks = _Spread.between(total, of, zero, zero, variance, zero, -np.inf)
    seen, equal = (
        looks.weighed(np.where(is_known, likelihoods.means(mean, _ratio(variance, of), more), 0.0))
        for mean in (difference, 0.0)
    )
    return Odds(seen, seen, equal)


def latencies(
    bounds: Counts, canary: Counts, stable: Counts, ratio: float
) -> tuple[tuple[Counts, Odds], tuple[Counts, Odds]]:
    """Compare a typical and a long latency: are the canary's *ratio* times as long? The last axis is the buckets.

    Return for each the index of the bound that was used, by look, and the odds. It is the bound that is nearest to what
    half of the stable version's requests exceed, or a twentieth. If the canary is slower, as many exceed it as else
    exceed a lower one. That share is interpolated between bounds on the scale of logits, as if latencies were
    log-logistic. Buckets tell no more: within one, a canary can slow down unseen.
    """
    longer, stable_longer = (counts[..., ::-1].cumsum(-1)[..., -2::-1] for counts in (canary, stable))
    of, of_stable = canary.sum(-1), stable.sum(-1)
    logits = np.log(stable_longer + 0.5) - np.log(of_stable[..., None] - stable_longer + 0.5)
    sure = np.clip(logits, -_SURE, _SURE)
    way = np.minimum(1, np.log(ratio) / np.diff(np.log(bounds)))
    more = _share(sure[..., 1:] + way * (sure[..., :-1] - sure[..., 1:])) - _share(sure[..., 1:])

    def beyond(logit: float) -> tuple[Counts, Odds]:
        place = np.abs(logits[..., 1:] - logit).argmin(-1)[..., None]
        counts, stable_counts, by = (
            np.take_along_axis(each, place, -1)[..., 0] for each in (longer[..., 1:], stable_longer[..., 1:], more)
        )
        return place[..., 0] + 1, shares(counts, of, stable_counts, of_stable, np.where(by < _TELLING, 0.0, by))

    return beyond(0.0), beyond(_TAIL)


def predictions(canary: Counts, stable: Counts, more: float, together: Counts) -> tuple[Counts, Odds]:
    """Compare the predicted labels, the last axis. Return their population stability index, and the odds of *more*.

    Of equal versions the index is about h times a chi-squared variable with a degree of freedom less than labels, where
    h is the sum of both totals' inverses (Yurdakul and Naranjo 2020, "Statistical properties of the population
    stability index", J. Risk Model Validation 14(4)). That mean is subtracted; of others the variable is noncentral.
    *together* instances, of one request, count as one. Nothing speaks for worse as long as chance alone gives half of
    *more*, since all that holds of large counts only.
    """
    degrees = canary.shape[-1] - 1
    p, q = ((counts + 0.5) / (counts.sum(-1, keepdims=True) + 0.5 * (degrees + 1)) for counts in (canary, stable))
    h = together / np.maximum(canary.sum(-1), 1) + together / np.maximum(stable.sum(-1), 1)
    psi = ((p - q) * np.log(p / q)).sum(-1) - degrees * h
    variance = 2 * more * h + 2 * degrees * h**2
    seen, equal = (likelihoods.means(index, variance, more) for index in (psi, np.zeros_like(psi)))
    return psi, Odds(np.where(degrees * h > more / 2, np.minimum(seen, 0.0), seen), seen, equal)


@dataclass(frozen=True)
class _Spread:
    """By which factor, at least 1, differences vary more from look to look than if requests were independent.

    It was estimated with so many *degrees* of freedom.
    """

    factor: Counts
    degrees: Counts

    @staticmethod
    def between(
        canary: Counts,
        of: Counts,
        stable: Counts,
        of_stable: Counts,
        variance: Counts,
        stable_variance: Counts,
        least: float = 0.0,
    ) -> "_Spread":
        """Return that of sums of values, which have these variances each, and increase by *least* or more."""
        x, y = (np.maximum(least, np.diff(each, prepend=0.0)) for each in (canary, stable))
        n, m = (np.maximum(0, np.diff(each, prepend=0.0)) for each in (of, of_stable))
        rate, is_alone = _ratio(stable, of_stable), m == 0
        mine, theirs = np.where(is_alone, 1.0, _ratio(m, n + m)), _ratio(n, n + m)
        seen, weight = mine * x - np.where(is_alone, n * rate, theirs * y), mine * n
        gap = _ratio(canary, of) - rate
        squares = (seen**2).cumsum(-1) - 2 * gap * (seen * weight).cumsum(-1) + gap**2 * (weight**2).cumsum(-1)
        expected = variance * (mine**2 * n).cumsum(-1) + stable_variance * (theirs**2 * m).cumsum(-1)
        degrees = np.maximum(1, (weight > 0).cumsum(-1) - 1)
        looks = degrees + 1
        factor = np.where(expected > 0, squares / np.maximum(expected, _TINY), 1.0) * looks / degrees
        return _Spread(np.maximum(1.0, factor), degrees)

    def last(self) -> "_Spread":
        """Return that of the last look."""
        return _Spread(self.factor[..., -1:], self.degrees[..., -1:])

    def weighed(self, evidence: Counts) -> Counts:
        """Return the logarithm of a likelihood ratio of independent requests as that of Student's t."""
        half = self.degrees / 2
        weighed: Counts = np.sign(evidence) * half * np.log1p(np.abs(evidence) / self.factor / half)
        return weighed


def _moments(counts: Counts) -> tuple[Counts, Counts, Counts]:
    """Return number, sum and variance."""
    of, total, squares = np.moveaxis(counts, -1, 0)
    return of, total, np.maximum(0.0, _ratio(squares, of) - _ratio(total, of) ** 2)


def _ratio(count: Counts, of: Counts) -> Counts:
    ratio: Counts = count / np.maximum(of, _TINY)
    return ratio


def _share(logits: Counts) -> Counts:
    share: Counts = 1 / (1 + np.exp(-logits))
    return share
