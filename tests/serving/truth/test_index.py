import dataclasses
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from serving.captures import Capture, Failure, ShadowAnswer
from serving.truth.errors import TooManyAnswers
from serving.truth.feedback import Feedback
from serving.truth.index import TruthIndex
from serving.truth.report import PairedMeasure, Report, VersionTruth

START = 1_796_000_000.0


@pytest.fixture
def index() -> Iterator[TruthIndex]:
    made = TruthIndex()
    yield made
    made.close()


def answered(
    request_id: str, label: str = "yes", version: int = 3, at: float = 0.0, share: float = 1.0, answer: Any = None
) -> Capture:
    return Capture(
        time=datetime.fromtimestamp(START + at, UTC),
        request_id=request_id,
        index=0,
        model="m",
        version=version,
        instance={},
        answer=answer or {"label": label, "score": 0.9},
        share=share,
    )


def told(request_id: str, truth: Any = "yes", at: float = 60.0, index: int = 0) -> Feedback:
    time = datetime.fromtimestamp(START + at, UTC)
    return Feedback(time=time, request_id=request_id, index=index, model="m", truth=truth)


def reported(index: TruthIndex) -> Report:
    return index.report(START, START + 3600)


def only(report: Report) -> VersionTruth:
    (version,) = report.versions
    return version


def test_answers_are_joined_with_their_truths_by_version(index) -> None:
    index.add_captures([answered("a"), answered("b"), answered("c", version=4), answered("d", version=4)])
    index.add_feedback([told("a"), told("b", "no", 120.0), told("c", at=30.0)])

    old, new = reported(index).versions

    assert (old.version, old.answers, old.known, old.coverage) == (3, 2, 2, 1.0)
    assert (old.delay, old.last) == ((60.0, 120.0), START + 120)
    (accuracy,) = old.measures
    assert (accuracy.name, accuracy.head, accuracy.answers, accuracy.value) == ("accuracy", "", 2, 0.5)
    assert accuracy.interval == pytest.approx((0.09453120573423074, 0.9054687942657693), abs=1e-12)
    assert (new.version, new.known, new.coverage, new.measures[0].value) == (4, 1, 0.5, 1.0)


def test_feedback_may_come_before_the_answer_is_captured(index) -> None:
    index.add_feedback([told("a", "no")])
    before = reported(index)
    index.add_captures([answered("a")])
    after = reported(index)

    assert (before.versions, before.unknown) == ((), 1)
    assert (only(after).known, only(after).measures[0].value, after.unknown) == (1, 0.0, 0)


def test_the_last_truth_by_time_counts_in_whatever_order_they_are_read(index) -> None:
    index.add_captures([answered("a"), answered("b"), answered("c")])
    index.add_feedback([told("a", "no", 10), told("b", "yes", 20)])
    reported(index)
    index.add_feedback([told("a", "yes", 20), told("b", "no", 10)])

    report = reported(index)

    assert only(report).measures[0].value == 1.0
    assert (report.corrections, report.duplicates) == (2, 0)


def test_equal_repeats_are_duplicates_and_change_nothing(index) -> None:
    index.add_captures([answered("a", answer={"tags": ["x", "y"]})])
    index.add_feedback([told("a", ["x", "y"], 10), told("a", ["y", "x"], 500)])

    report = reported(index)

    assert (report.duplicates, report.corrections, only(report).delay) == (1, 0, (10.0, 10.0))


def test_ids_are_told_apart_by_index_and_unknown_ones_are_counted(index) -> None:
    index.add_captures([answered("a"), dataclasses.replace(answered("a", "no"), index=1)])
    index.add_feedback([told("a", "no", index=1), told("a", "no", index=2), told("z")])

    report = reported(index)

    assert (only(report).known, only(report).measures[0].value, report.unknown) == (1, 1.0, 2)


def test_requests_that_failed_are_no_answers(index) -> None:
    failed = dataclasses.replace(answered("a"), version=None, answer=None, status=422, error=Failure(code="x"))
    index.add_captures([failed, answered("b")])

    assert only(reported(index)).answers == 1


def test_answers_count_by_the_share_with_which_they_were_captured(index) -> None:
    index.add_captures([answered("a", share=0.1), answered("b", share=1.0), answered("c", share=0.1)])
    index.add_feedback([told("a", "yes"), told("b", "no")])

    version = only(reported(index))

    assert version.measures[0].value == pytest.approx(10 / 11)
    assert version.coverage == pytest.approx(11 / 21)


def shadowed(request_id: str, label: str = "yes", version: int = 4, answer: Any = None) -> ShadowAnswer:
    time = datetime.fromtimestamp(START + 1, UTC)
    answer = answer or {"label": label, "score": 0.8}
    return ShadowAnswer(time=time, request_id=request_id, index=0, model="m", version=version, answer=answer)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_a_version_and_its_shadow_are_compared_where_the_truth_is_known(index, order) -> None:
    answers = [answered(name, label, share=share) for name, label, share in _ASKED]
    steps = (
        lambda: index.add_captures(answers),
        lambda: index.add_shadows([shadowed(name) for name in ("right", "better", "rare", "untold", "unheard")]),
        lambda: index.add_feedback([told(name) for name in ("right", "better", "rare", "alone", "unheard")]),
    )
    for step in order:
        steps[step]()
        reported(index)

    # 10 + 10 + 1 answers are stood for, and the shadow alone is right of 10: 3 times 10 of 21.
    assert reported(index).paired == (
        PairedMeasure(
            3, 4, "", "accuracy", 3, 0.0, pytest.approx(30 / 21), *map(pytest.approx, (33 / 21, 30 / 21, 30 / 21))
        ),
    )


_ASKED = (
    ("right", "yes", 0.1),
    ("better", "no", 0.1),
    ("rare", "yes", 1.0),
    ("untold", "no", 1.0),
    ("alone", "no", 1.0),
)


def test_of_values_and_shadows_the_errors_differences_are_added_up(index) -> None:
    index.add_captures([answered(str(number), answer={"value": 10.0 + number}) for number in range(3)])
    index.add_shadows([shadowed(str(number), answer={"value": 12.0}) for number in range(3)])
    index.add_feedback([told(str(number), 10.0) for number in range(3)])

    assert reported(index).paired == (PairedMeasure(3, 4, "", "mae", 3, 0.0, 2.0, 3.0, 3.0, 5.0),)
    index.forget(START + 60)
    assert reported(index).paired == ()


def test_tags_and_several_heads_have_measures_of_their_own(index) -> None:
    truths = ["ab", "c", "a", "bc", "", "abc"]
    given = ["a", "c", "ab", "bc", "a", "ab"]
    index.add_captures(
        answered(str(row), answer={"tags": {"tags": [*tags]}, "size": {"value": 2.0 * row, "unit": "m"}})
        for row, tags in enumerate(given)
    )
    index.add_feedback(told(str(row), {"tags": [*tags], "size": 0}) for row, tags in enumerate(truths))

    measures = {(it.head, it.name): it for it in only(reported(index)).measures}

    assert list(measures) == [("size", "mae"), ("tags", "exact_match"), ("tags", "micro_f1")]
    assert measures["tags", "micro_f1"].value == pytest.approx(0.7777777777777778)  # scikit-learn's
    assert measures["tags", "micro_f1"].interval == pytest.approx((0.5663130680465015, 0.989242487508909), abs=1e-3)
    assert measures["tags", "exact_match"].value == pytest.approx(1 / 3)
    size = measures["size", "mae"]
    assert (size.value, size.total, size.squares) == (5.0, 30.0, 220.0)


def test_a_truth_of_another_kind_is_counted_apart(index) -> None:
    index.add_captures([answered("a"), answered("b")])
    index.add_feedback([told("a", 3.2), told("b")])

    first = reported(index)
    index.add_feedback([told("a", "yes", 90)])
    corrected = reported(index)

    assert (first.incomparable, only(first).measures[0].answers) == (1, 1)
    assert (corrected.incomparable, only(corrected).measures[0].answers) == (0, 2)


def test_what_is_older_than_the_window_is_forgotten(index) -> None:
    index.add_captures([answered("a", at=0), answered("b", "no", at=100)])
    index.add_feedback([told("a", at=120), told("b", at=130), told("early", at=50), told("late", at=140)])
    reported(index)

    index.forget(START + 60)
    report = reported(index)

    assert (only(report).answers, only(report).measures[0].value) == (1, 0.0)
    assert report.unknown == 2  # of an answer that is forgotten, and of none


def test_delays_have_a_median_and_what_nine_in_ten_do_not_exceed(index) -> None:
    rows = [*range(1, 22)]
    random.Random(1).shuffle(rows)
    index.add_captures(answered(str(row)) for row in rows)
    index.add_feedback(told(str(row), at=float(row)) for row in rows)

    assert only(reported(index)).delay == (11.0, 19.0)


def test_more_than_there_is_room_for_is_an_error_that_says_what_to_do() -> None:
    index = TruthIndex(most_bytes=1_000_000)
    with pytest.raises(TooManyAnswers, match=r"more than 0.001 GB of temporary space: choose a shorter --window"):
        index.add_captures(answered(f"{number:064d}") for number in range(20_000))
    index.close()
