"""What two versions did, by the increases of their counters."""

import math
from collections import defaultdict
from collections.abc import Mapping

from serving.canary.evidence import Histogram, Latencies, Seen
from serving.rollout.readings import PREFIX, Reading, Series

Increased = Mapping[Series, float]

_REFUSED = ("400", "422")
_ANSWERS = ("value", "score")
"""The features of an answer without labels, in the order in which they are looked for."""


def seen(increased: Increased, version: int) -> Seen:
    """Return what one version did."""
    mine = {series: rise for series, rise in increased.items() if series.label("version") == str(version)}
    by_code = _sums(mine, "requests_total", "code")
    return Seen(
        requests=sum(by_code.values()),
        errors=sum(count for code, count in by_code.items() if code.startswith("5")),
        refusals=sum(by_code.get(code, 0.0) for code in _REFUSED),
        latencies=_latencies(mine),
        predictions=_predictions(mine),
    )


def parity_failures(increased: Increased, reading: Reading, version: int) -> float:
    """Return how often the replay of a version's parity examples failed: they are counted by model only.

    A version that answers has passed, so then the failures are another's.
    """
    is_live = version in live_versions(reading)
    return 0.0 if is_live else sum(_sums(increased, "parity_failures_total", "model").values())


def live_versions(reading: Reading) -> set[int]:
    """Return the versions that gateways have admitted."""
    named = {it.label("version") for it in reading if it.name == f"{PREFIX}version_engine"}
    return {int(version) for version in named if version.isdecimal()}


def given_percent(reading: Reading, version: int) -> float:
    """Return the largest share that a gateway gives a version, in percent."""
    ratios = (
        value
        for series, value in reading.items()
        if series.name == f"{PREFIX}canary_ratio" and series.label("version") == str(version)
    )
    return 100 * max(ratios, default=0.0)


def _sums(increased: Increased, name: str, label: str) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for series, rise in increased.items():
        if series.name == PREFIX + name:
            sums[series.label(label)] += rise
    return dict(sums)


def _latencies(mine: Increased) -> Latencies | None:
    upto = {float(bound): count for bound, count in _sums(mine, "request_seconds_bucket", "le").items()}
    bounds = sorted(upto)
    return Latencies.of_cumulative(bounds[:-1], [upto[bound] for bound in bounds]) if len(bounds) > 1 else None


def _predictions(mine: Increased) -> Mapping[str, float] | Histogram | None:
    if labels := _sums(mine, "predictions_total", "label"):
        return labels
    for feature in _ANSWERS:
        its = {series: rise for series, rise in mine.items() if series.label("feature") == feature}
        if values := _values(_sums(its, "feature_instances_total", "bin")):
            return values
    return None


def _values(by_bin: Mapping[str, float]) -> Histogram | None:
    """Return a histogram, unless bins are not named by numbers: a field of categories may have an answer's name."""
    try:
        bins = {math.inf: 0.0, **{float(bound): count for bound, count in by_bin.items()}}
    except ValueError:
        return None
    bounds = sorted(bins)
    return Histogram(tuple(bounds[:-1]), tuple(bins[bound] for bound in bounds)) if len(bounds) > 1 else None
