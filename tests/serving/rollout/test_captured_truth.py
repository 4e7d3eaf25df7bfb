from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.canary.evidence import AbsoluteErrors, RightAnswers, Seen
from serving.rollout.captured_truth import CapturedTruth
from serving.rollout.errors import NoEvidence
from serving.rollout.looking import Looks
from serving.rollout.readings import Reading, Series
from tests.serving.truth.parts import capture, feedback, write_captures, write_feedback

NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(minutes=10)
YES = {"label": "yes", "score": 0.9}


def test_right_answers_since_the_step_began_are_counted_by_version(tmp_path: Path) -> None:
    before = BEGAN - timedelta(minutes=1)
    write_captures(tmp_path, [capture(str(number), YES, NOW, version=4 + number % 2) for number in range(8)])
    write_captures(tmp_path, [capture("old", YES, before, version=5)])
    write_feedback(tmp_path, [feedback(str(number), "no" if number == 1 else "yes", NOW) for number in range(6)])
    write_feedback(tmp_path, [feedback("old", "no", NOW)])
    truth = CapturedTruth(str(tmp_path), "m")
    assert truth.known(BEGAN) == {4: RightAnswers(3, 3), 5: RightAnswers(3, 2)}
    write_feedback(tmp_path, [feedback("7", "no", NOW)])
    assert truth.known(BEGAN)[5] == RightAnswers(4, 2)
    assert truth.known(NOW + timedelta(seconds=1)) == {}


def test_of_values_the_absolute_errors_are_added_up(tmp_path: Path) -> None:
    write_captures(tmp_path, [capture(str(number), {"value": 10.0 + number}, NOW) for number in range(3)])
    write_feedback(tmp_path, [feedback(str(number), 10.0, NOW) for number in range(3)])
    assert CapturedTruth(str(tmp_path), "m").known(BEGAN) == {1: AbsoluteErrors(3, 3.0, 5.0)}


def test_captures_that_can_not_be_read_are_no_evidence() -> None:
    with pytest.raises(NoEvidence, match="the captures can't be read"):
        CapturedTruth("memory-of-nobody://x", "m").known(BEGAN)


class _Source:
    looks_back = False

    def read(self, at: datetime | None = None) -> Reading:
        return {Series.of("plumbline_gateway_requests_total", {"version": "5", "code": "200"}): 1.0}


def test_a_look_has_the_truth_of_both_versions_unless_the_canary_is_alone() -> None:
    known = {4: RightAnswers(9, 8), 5: RightAnswers(7, 6)}
    for alone, expected in ((None, (known[5], known[4])), (Seen(requests=1, errors=0), (None, None))):
        looks = Looks(_Source(), 5, 4, lambda since: known, BEGAN, {}, alone)
        looks.take()
        assert (looks.taken[-1].canary.truth, looks.taken[-1].stable.truth) == expected
