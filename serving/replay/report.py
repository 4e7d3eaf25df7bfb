"""What a comparison found, as JSON values."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from serving.captures.record import time_to_json
from serving.replay.comparison import Comparison, HeadComparison, Pair
from serving.replay.statistics import Sample, Tally
from serving.replay.truth import Paired
from serving.truth.comparing import MAE

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_MIN_SLICE = 30
_MOST = 10


def to_json(model: str, comparison: Comparison) -> dict[str, Any]:
    """Return the report on two versions of *model*."""
    return {
        "model": model,
        "versions": list(comparison.versions),
        "instances": comparison.agreement.count,
        "rejected": dict(comparison.rejected),
        "agreement": _share(comparison.agreement),
        "distance": _quantiles(comparison.distance, (0.5, 0.95, 1.0)),
        "heads": {name: _head(head) for name, head in comparison.heads.items()},
        "slices": _slices(comparison),
        "reproduced": {str(version): _share(it) for version, it in comparison.reproduced.items() if it.count},
        "truth": {
            "instances": comparison.truth.known,
            "incomparable": comparison.truth.incomparable,
            "measures": [_paired(*names, it) for names, it in comparison.truth.measures.items()],
        },
        "largest": [pair_to_json(comparison.versions, pair) for pair in comparison.largest],
    }


def pair_to_json(versions: tuple[int, int], pair: Pair) -> dict[str, Any]:
    """Return one instance with both answers."""
    capture = pair.asked.capture
    first, second = versions
    line = {
        "request_id": capture.request_id,
        "index": capture.index,
        "time": time_to_json(capture.time),
        "distance": round(pair.found.distance, 7),
        "instance": capture.instance,
        "answers": {str(first): pair.first, str(second): pair.second},
    }
    return line if pair.asked.truth is None else {**line, "truth": pair.asked.truth}


def _head(head: HeadComparison) -> dict[str, Any]:
    steps = [(one, other, weight) for (one, other), weight in head.transitions.most_common()]
    return {
        "agreement": _share(head.agreement),
        "distance": _quantiles(head.distance, (0.5, 0.95, 1.0)),
        "transitions": [{"from": one, "to": other, "instances": round(weight, 3)} for one, other, weight in steps],
        "shifts": {name: _shift(*it) for name, it in head.shifts.items()},
    }


def _share(tally: Tally) -> dict[str, Any]:
    return {"value": tally.mean, "interval": list(tally.of_share()), "instances": tally.count}


def _shift(tally: Tally, sample: Sample) -> dict[str, Any]:
    interval = tally.of_mean()
    return {
        "mean": tally.mean,
        "interval": None if interval is None else list(interval),
        "quantiles": _quantiles(sample, _QUANTILES),
    }


def _quantiles(sample: Sample, shares: tuple[float, ...]) -> Mapping[str, float | None]:
    values = zip(shares, sample.quantiles(*shares), strict=True)
    return {f"{share:g}": value if isfinite(value) else None for share, value in values}


def _slices(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the slices of which it is surest that they are answered differently, but for those that all are in."""
    whole = comparison.agreement.count
    found: list[dict[str, Any]] = [
        {"field": field, "values": values, "agreement": _share(tally)}
        for (field, values), tally in comparison.slices.tallies.items()
        if _MIN_SLICE <= tally.count < whole and tally.total < tally.count
    ]
    return sorted(found, key=lambda it: it["agreement"]["interval"][1])[:_MOST]


def _paired(head: str, measure: str, paired: Paired) -> dict[str, Any]:
    def side(tally: Tally) -> dict[str, Any]:
        interval = tally.of_mean() if measure == MAE else tally.of_share()
        return {"value": tally.mean, "interval": None if interval is None else list(interval)}

    difference = paired.difference.of_mean()
    return {
        "head": head,
        "measure": measure,
        "instances": paired.first.count,
        "first": side(paired.first),
        "second": side(paired.second),
        "difference": paired.difference.mean,
        "interval": None if difference is None else list(difference),
        "first_better": paired.first_better,
        "second_better": paired.second_better,
        "p": paired.p,
        "second_is_worse": paired.is_second_worse,
    }
