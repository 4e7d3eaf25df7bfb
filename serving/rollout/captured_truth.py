"""What turned out to be true of both versions' answers since a step began, from captures and feedback."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from serving.canary.evidence import AbsoluteErrors, PairedAnswers, PairedErrors, RightAnswers
from serving.errors import PlumblineError
from serving.rollout.errors import NoEvidence
from serving.rollout.looking import Known
from serving.truth.comparing import MAE, SHARES
from serving.truth.following import Follower
from serving.truth.report import Measure, PairedMeasure

_M = TypeVar("_M", Measure, PairedMeasure)


class CapturedTruth:
    """Follows the captures and the feedback of *model* at *place*, a folder or a URL."""

    def __init__(self, place: str, model: str) -> None:
        self._follower = Follower(place, model, timedelta())

    def known(self, since: datetime) -> Known:
        """Return what is known of answers since then. Raise NoEvidence if it can't be read.

        Each step begins later than the one before.
        """
        try:
            report = self._follower.look(since=since)
        except (PlumblineError, OSError) as error:
            raise NoEvidence(f"the captures can't be read: {error}") from error
        versions = {version.version: _first(version.measures) for version in report.versions}
        pairs: dict[tuple[int, int], list[PairedMeasure]] = {}
        for measure in report.paired:
            pairs.setdefault((measure.version, measure.shadow), []).append(measure)
        return Known(
            {version: _known(first) for version, first in versions.items() if first},
            {pair: _paired(first) for pair, its in pairs.items() if (first := _first(its))},
        )


def _first(measures: Sequence[_M]) -> _M | None:
    """Return the first measure that is a share, or else the absolute errors."""
    in_order = sorted(measures, key=lambda it: it.name not in SHARES)
    return next((it for it in in_order if it.name in SHARES or it.name == MAE), None)


def _known(measure: Measure) -> RightAnswers | AbsoluteErrors:
    """Return what a measure says. Where some answers are captured with a larger share, that is weighed out."""
    if measure.name in SHARES:
        return RightAnswers(measure.answers, measure.value * measure.answers)
    total = measure.value * measure.answers
    weighed = total / measure.total if measure.total else 1.0
    return AbsoluteErrors(measure.answers, total, measure.squares * weighed**2)


def _paired(measure: PairedMeasure) -> PairedAnswers | PairedErrors:
    if measure.name in SHARES:
        return PairedAnswers(measure.answers, measure.higher, measure.lower)
    return PairedErrors(measure.answers, measure.difference, measure.squares, measure.total)
