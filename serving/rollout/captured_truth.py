"""What turned out to be true of both versions' answers since a step began, from captures and feedback."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from serving.canary.evidence import AbsoluteErrors, RightAnswers
from serving.errors import PlumblineError
from serving.rollout.errors import NoEvidence
from serving.truth.comparing import MAE, SHARES
from serving.truth.following import Follower
from serving.truth.report import Measure, VersionTruth

Known = RightAnswers | AbsoluteErrors


class CapturedTruth:
    """Follows the captures and the feedback of *model* at *place*, a folder or a URL."""

    def __init__(self, place: str, model: str) -> None:
        self._follower = Follower(place, model, timedelta())

    def known(self, since: datetime) -> Mapping[int, Known]:
        """Return what is known by version of answers since then. Raise NoEvidence if it can't be read.

        Each step begins later than the one before.
        """
        try:
            report = self._follower.look(since=since)
        except (PlumblineError, OSError) as error:
            raise NoEvidence(f"the captures can't be read: {error}") from error
        found = {version.version: _known(version) for version in report.versions}
        return {version: known for version, known in found.items() if known}


def _known(version: VersionTruth) -> Known | None:
    """Return the first measure that is a share, or else the absolute errors.

    Where some answers are captured with a larger share than others, that is weighed out.
    """
    measures = sorted(version.measures, key=lambda it: it.name not in SHARES)
    first = next((it for it in measures if it.name in SHARES or it.name == MAE), None)
    if first is None:
        return None
    return _errors(first) if first.name == MAE else RightAnswers(first.answers, first.value * first.answers)


def _errors(measure: Measure) -> AbsoluteErrors:
    total = measure.value * measure.answers
    weighed = total / measure.total if measure.total else 1.0
    return AbsoluteErrors(measure.answers, total, measure.squares * weighed**2)
