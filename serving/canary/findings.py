"""What each measure says of a canary: how much speaks for worse, what is missing, and the facts in words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf

import numpy as np

from serving.canary import comparisons
from serving.canary.comparisons import Odds
from serving.canary.evidence import AbsoluteErrors, Evidence, Histogram, PairedAnswers, PairedErrors, RightAnswers, Seen
from serving.canary.likelihoods import Counts
from serving.canary.settings import Settings

TYPICAL, LONG, TRUTH = "typical latency", "long latency", "truth"
MEASURES = ("errors", "refusals", TYPICAL, LONG, "predictions", TRUTH)

_REQUESTS, _KNOWN = "requests", "answers whose truth is known"
_PAIRS = "answers of both versions whose truth is known"

_RARE = 0.01
"""Labels with a smaller share of all predictions count as one, since few predictions would weigh too much."""


@dataclass(frozen=True)
class Finding:
    """What *measure* says: the facts in words, and logarithms of likelihood ratios (see `comparisons.Odds`).

    *of* is how many of the canary's requests it rests on, or what else *unit* says.
    """

    measure: str
    facts: str
    unit: str
    of: float
    worse: float
    margin: float
    equal: float

    @classmethod
    def last(cls, measure: str, facts: str, unit: str, of: float, odds: Odds) -> "Finding":
        """Return that of the last look."""
        worse, margin, equal = (float(each[-1]) for each in (odds.worse, odds.margin, odds.equal))
        return cls(measure, facts, unit, float(of), worse, margin, equal)

    @property
    def tells(self) -> bool:
        """Whether an equal canary could be told from a worse one by it, with more requests."""
        return self.of == 0 or self.equal < 0

    def needed(self, strength: float) -> float:
        """Return about how many requests an equal canary needs until its odds have that *strength*."""
        return self.of * strength / -self.equal if self.equal < 0 else inf


def findings(looks: Sequence[Evidence], settings: Settings, is_alone: bool) -> list[Finding]:
    """Return what each measure says of which something is known of both versions.

    If the canary *is_alone*, the stable version's side is what it did earlier, so predictions and truth are left out.
    """
    parts = (_errors, _refusals, _latencies) if is_alone else (_errors, _refusals, _latencies, _predictions, _truth)
    return list(chain.from_iterable(part(looks, settings) for part in parts))


def _errors(looks: Sequence[Evidence], settings: Settings) -> Iterator[Finding]:
    canary, stable = _series(looks, lambda seen: (seen.errors, seen.requests))
    yield _shares("errors", "failed", _REQUESTS, canary, stable, settings.errors)


def _refusals(looks: Sequence[Evidence], settings: Settings) -> Iterator[Finding]:
    if None not in (looks[-1].canary.refusals, looks[-1].stable.refusals):
        canary, stable = _series(looks, lambda seen: (seen.refusals or 0.0, seen.requests))
        yield _shares("refusals", "were refused as invalid", _REQUESTS, canary, stable, settings.refusals)


def _shares(measure: str, what: str, unit: str, canary: Counts, stable: Counts, margin: float) -> Finding:
    odds = comparisons.shares(canary[:, 0], canary[:, 1], stable[:, 0], stable[:, 1], 2 * margin)
    return Finding.last(measure, _told(what, unit, canary[-1], stable[-1]), unit, canary[-1, 1], odds)


def _latencies(looks: Sequence[Evidence], settings: Settings) -> Iterator[Finding]:
    last, stable_last = looks[-1].canary.latencies, looks[-1].stable.latencies
    if (
        not last
        or not stable_last
        or last.bounds != stable_last.bounds
        or last.bounds[:1] <= (0,)
        or len(last.bounds) < 2
    ):
        return

    def counts(seen: Seen) -> Sequence[float]:
        same = seen.latencies and seen.latencies.bounds == last.bounds
        return seen.latencies.counts if seen.latencies and same else [0.0] * len(last.counts)

    canary, stable = _series(looks, counts)
    compared = comparisons.latencies(np.asarray(last.bounds), canary, stable, settings.slower**2)
    for measure, (places, odds) in zip((TYPICAL, LONG), compared, strict=True):
        longer = [(side[-1, places[-1] + 1 :].sum(), side[-1].sum()) for side in (canary, stable)]
        facts = _told(f"took over {last.bounds[places[-1]] * 1000:g} ms", _REQUESTS, *longer)
        yield Finding.last(measure, facts, _REQUESTS, canary[-1].sum(), odds)


def _predictions(looks: Sequence[Evidence], settings: Settings) -> Iterator[Finding]:
    now = looks[-1]
    labels, *sides = _alike(now.canary.predictions, now.stable.predictions)
    if len(labels) < 2:
        return
    canary, stable = (np.asarray([side], np.float64) for side in sides)
    shares, stable_shares = (side[-1] / max(side[-1].sum(), 1.0) for side in (canary, stable))
    most = int((shares - stable_shares).argmax())
    is_rare = (canary + stable)[-1] < _RARE * (canary + stable).sum()
    if is_rare.sum() > 1:
        canary, stable = (
            np.append(side[:, ~is_rare], side[:, is_rare].sum(-1)[:, None], -1) for side in (canary, stable)
        )
    together = np.maximum(1.0, canary.sum(-1) / max(now.canary.requests, 1.0))
    psi, odds = comparisons.predictions(canary, stable, 2 * settings.psi, together)
    facts = (
        f"{100 * shares[most]:.1f} % of {canary.sum():,.0f} predictions are {labels[most]}, and "
        f"{100 * stable_shares[most]:.1f} % of the stable version's (PSI {psi[-1]:.3f} more than by chance)"
    )
    yield Finding.last("predictions", facts, "predictions", canary.sum(), odds)


Predictions = Mapping[str, float] | Histogram | None


def _alike(canary: Predictions, stable: Predictions) -> tuple[list[str], Sequence[float], Sequence[float]]:
    """Return the labels of both, or the bins of one, and how many predictions of each there are; or nothing.

    Bins are of each version's own training, so the canary's predictions are counted by the stable version's bounds,
    by interpolation between its own. Bounds that are beyond these are left out, unless all are.
    """
    if isinstance(canary, Mapping) and isinstance(stable, Mapping):
        labels = sorted({*canary, *stable})
        return labels, [canary.get(label, 0.0) for label in labels], [stable.get(label, 0.0) for label in labels]
    if not isinstance(canary, Histogram) or not isinstance(stable, Histogram) or not (canary.bounds and stable.bounds):
        return [], (), ()
    inside = [bound for bound in stable.bounds if canary.bounds[0] <= bound <= canary.bounds[-1]] or stable.bounds
    sides = (
        np.diff(np.interp(inside, side.bounds, np.cumsum(side.counts[:-1])), prepend=0, append=sum(side.counts))
        for side in (canary, stable)
    )
    return [*(f"up to {bound:g}" for bound in inside), f"above {inside[-1]:g}"], *sides


def _truth(looks: Sequence[Evidence], settings: Settings) -> Iterator[Finding]:
    """Compare by the answers that both versions gave, unless more of the canary's own have a truth."""
    paired, own = looks[-1].paired, looks[-1].canary.truth
    if paired and (own is None or paired.answers >= own.answers):
        yield (_paired_errors if isinstance(paired, PairedErrors) else _paired_answers)(looks, settings)
    else:
        yield from _truth_apart(looks, settings)


def _paired_answers(looks: Sequence[Evidence], settings: Settings) -> Finding:
    of, canary, stable = _paired(looks, PairedAnswers, ("answers", "stable_right", "canary_right"))
    facts = (
        f"of {of[-1]:,.0f} {_PAIRS}, {canary[-1]:,.0f} were wrong of the canary only ({100 * canary[-1] / of[-1]:.2f} "
        f"%), and {stable[-1]:,.0f} of the stable version only ({100 * stable[-1] / of[-1]:.2f} %)"
    )
    odds = comparisons.paired_answers(canary, stable, of, 2 * settings.wrong)
    return Finding.last(TRUTH, facts, _PAIRS, of[-1], odds)


def _paired_errors(looks: Sequence[Evidence], settings: Settings) -> Finding:
    of, total, squares, stable = _paired(looks, PairedErrors, ("answers", "total", "squares", "stable"))
    facts = (
        f"of {of[-1]:,.0f} {_PAIRS}, the canary's mean absolute error is {(stable + total)[-1] / of[-1]:.4g}, and the "
        f"stable version's {stable[-1] / of[-1]:.4g}"
    )
    odds = comparisons.paired_errors(of, total, squares, stable, settings.error_ratio**2)
    return Finding.last(TRUTH, facts, _PAIRS, of[-1], odds)


def _paired(
    looks: Sequence[Evidence], kind: type[PairedAnswers] | type[PairedErrors], names: Sequence[str]
) -> Iterator[Counts]:
    """Yield the counts of these names by look."""
    for name in names:
        values = [getattr(look.paired, name) if isinstance(look.paired, kind) else 0.0 for look in looks]
        yield np.asarray(values, np.float64)


def _truth_apart(looks: Sequence[Evidence], settings: Settings) -> Iterator[Finding]:
    kinds = {type(looks[-1].canary.truth), type(looks[-1].stable.truth)}
    if kinds == {RightAnswers}:
        canary, stable = _series(looks, _wrong)
        yield _shares(TRUTH, "were wrong", _KNOWN, canary, stable, settings.wrong)
    if kinds == {AbsoluteErrors}:
        canary, stable = _series(looks, _moments)
        odds = comparisons.absolute_errors(canary, stable, settings.error_ratio**2)
        mean, stable_mean = (side[-1, 1] / max(side[-1, 0], 1.0) for side in (canary, stable))
        facts = (
            f"the mean absolute error of {canary[-1, 0]:,.0f} {_KNOWN} is {mean:.4g}, and the "
            f"stable version's {stable_mean:.4g}"
        )
        yield Finding.last(TRUTH, facts, _KNOWN, canary[-1, 0], odds)


def _wrong(seen: Seen) -> Sequence[float]:
    truth = seen.truth
    return (max(0.0, truth.answers - truth.right), truth.answers) if isinstance(truth, RightAnswers) else (0.0, 0.0)


def _moments(seen: Seen) -> Sequence[float]:
    truth = seen.truth
    return (truth.answers, truth.total, truth.squares) if isinstance(truth, AbsoluteErrors) else (0.0, 0.0, 0.0)


def _series(looks: Sequence[Evidence], values: Callable[[Seen], Sequence[float]]) -> tuple[Counts, Counts]:
    """Return *values* of the canary and of the stable version by look."""
    canary = np.asarray([values(look.canary) for look in looks], np.float64)
    return canary, np.asarray([values(look.stable) for look in looks], np.float64)


def _told(what: str, unit: str, canary: Sequence[float] | Counts, stable: Sequence[float] | Counts) -> str:
    share, stable_share = (100 * count / max(total, 1.0) for count, total in (canary, stable))
    count, total = canary
    return (
        f"{count:,.0f} of {total:,.0f} {unit} {what} ({share:.2f} %), and {stable_share:.2f} % of the stable version's"
    )
