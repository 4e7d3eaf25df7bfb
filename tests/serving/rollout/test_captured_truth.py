from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.canary.evidence import AbsoluteErrors, PairedAnswers, PairedErrors, RightAnswers, Seen
from serving.captures import ShadowAnswer
from serving.rollout.captured_truth import CapturedTruth
from serving.rollout.errors import NoEvidence
from serving.rollout.looking import Known, Looks
from serving.rollout.readings import Reading, Series
from tests.serving.truth.parts import capture, feedback, write_captures, write_feedback, write_shadows

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
    assert truth.known(BEGAN) == Known({4: RightAnswers(3, 3), 5: RightAnswers(3, 2)})
    write_feedback(tmp_path, [feedback("7", "no", NOW)])
    assert truth.known(BEGAN).versions[5] == RightAnswers(4, 2)
    assert truth.known(NOW + timedelta(seconds=1)) == Known()


def test_of_values_the_absolute_errors_are_added_up(tmp_path: Path) -> None:
    write_captures(tmp_path, [capture(str(number), {"value": 10.0 + number}, NOW) for number in range(3)])
    write_feedback(tmp_path, [feedback(str(number), 10.0, NOW) for number in range(3)])
    assert CapturedTruth(str(tmp_path), "m").known(BEGAN).versions == {1: AbsoluteErrors(3, 3.0, 5.0)}


def test_what_the_canary_answered_as_a_shadow_is_paired_with_what_was_sent(tmp_path: Path) -> None:
    write_captures(tmp_path, [capture(str(number), YES, NOW, version=4) for number in range(5)])
    write_captures(tmp_path, [capture(f"p{number}", {"value": 1.0}, NOW, model="p") for number in range(3)])
    write_shadows(tmp_path, [shadow(str(number), {"label": label}) for number, label in enumerate(("no", "no", "yes"))])
    write_shadows(tmp_path, [shadow(f"p{number}", {"value": 4.0}, "p") for number in range(3)])
    write_feedback(tmp_path, [feedback(str(number), truth, NOW) for number, truth in enumerate(("yes", "no", "yes"))])
    write_feedback(tmp_path, [feedback(f"p{number}", 2.0, NOW, "p") for number in range(3)])

    assert CapturedTruth(str(tmp_path), "m").known(BEGAN).pairs == {(4, 5): PairedAnswers(3, 1.0, 1.0)}
    assert CapturedTruth(str(tmp_path), "p").known(BEGAN).pairs == {(1, 5): PairedErrors(3, 3.0, 3.0, 3.0)}


def shadow(request_id: str, answer: Any, model: str = "m") -> ShadowAnswer:
    return ShadowAnswer(time=NOW, request_id=request_id, index=0, model=model, version=5, answer=answer)


def test_captures_that_can_not_be_read_are_no_evidence() -> None:
    with pytest.raises(NoEvidence, match="the captures can't be read"):
        CapturedTruth("memory-of-nobody://x", "m").known(BEGAN)


class _Source:
    looks_back = False

    def read(self, at: datetime | None = None) -> Reading:
        return {Series.of("plumbline_gateway_requests_total", {"version": "5", "code": "200"}): 1.0}


def test_a_look_has_the_truth_of_both_versions_unless_the_canary_is_alone() -> None:
    apart, paired = {4: RightAnswers(9, 8), 5: RightAnswers(7, 6)}, PairedAnswers(9, 1, 2)
    known = Known(apart, {(4, 5): paired, (5, 4): PairedAnswers(1, 1, 0)})
    for alone, expected in ((None, (apart[5], apart[4], paired)), (Seen(requests=1, errors=0), (None,) * 3)):
        looks = Looks(_Source(), 5, 4, lambda since: known, BEGAN, {}, alone)
        looks.take()
        last = looks.taken[-1]
        assert (last.canary.truth, last.stable.truth, last.paired) == expected
