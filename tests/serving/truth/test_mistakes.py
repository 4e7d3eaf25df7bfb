import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.captures import Capture
from serving.captures.errors import DamagedCapture
from serving.captures.parts import packed
from serving.captures.reader import read_part
from serving.truth import mistakes, skimming
from serving.truth.mistakes import Mistakes, find_mistakes
from tests.serving.truth.parts import capture, feedback, write_captures, write_feedback

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
YES, NO = {"label": "yes", "score": 0.9}, {"label": "no", "score": 0.8}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mistakes, "MOST_SECONDS", (60.0, 60.0))


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def ids(found: Mistakes) -> list[str]:
    return [it.capture.request_id for it in found.mistakes]


def test_wrong_answers_are_told_the_newest_first_with_a_measure_over_all(tmp_path: Path) -> None:
    answers = [("old", YES, ago(days=2)), ("right", NO, ago(hours=2)), ("new", YES, ago(hours=1)), ("open", YES, NOW)]
    for request_id, answer, time in answers:
        write_captures(tmp_path, [capture(request_id, answer, time)])
    write_feedback(tmp_path, [feedback(it, "no", ago(minutes=1)) for it in ("old", "right", "new", "elsewhere")])

    found = find_mistakes(str(tmp_path), "m", NOW)

    assert ids(found) == ["new", "old"]
    assert [it.truth for it in found.mistakes] == ["no", "no"]
    ((version, measure),) = found.measures
    assert (version, measure.name, measure.answers, found.known) == (1, "accuracy", 3, 3)
    assert measure.value == pytest.approx(1 / 3)
    assert found.is_complete
    assert not found.are_errors


def test_a_truth_that_was_corrected_counts_as_it_was_told_last(tmp_path: Path) -> None:
    write_captures(tmp_path, [capture("a", YES, ago(hours=1)), capture("b", YES, ago(hours=1))])
    write_feedback(tmp_path, [feedback("a", "no", ago(minutes=9)), feedback("b", "yes", ago(minutes=9))])
    write_feedback(tmp_path, [feedback("a", "yes", ago(minutes=5)), feedback("b", "no", ago(minutes=5))])

    assert ids(find_mistakes(str(tmp_path), "m", NOW)) == ["b"]


def test_of_numbers_the_farthest_are_told(tmp_path: Path) -> None:
    write_captures(tmp_path, [capture(f"r{off}", {"value": 20.0, "unit": "m"}, ago(hours=1)) for off in range(30)])
    write_feedback(tmp_path, [feedback(f"r{off}", 20.0 + off, NOW) for off in range(30)])

    found = find_mistakes(str(tmp_path), "m", NOW)

    assert found.are_errors
    assert ids(found) == [f"r{off}" for off in range(29, 9, -1)]
    assert found.measures[0][1].value == pytest.approx(14.5)


def test_damaged_parts_and_lines_that_are_too_long_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [capture(it, YES, ago(hours=1)).to_json().encode() for it in ("a", "b", "c")]
    longer = lines[1].replace(b'{"x":1}', b'{"x":"' + 2000 * b"x" + b'"}')
    part = write_captures(tmp_path, [capture("a", YES, ago(hours=1))])
    part.write_bytes(packed(b"\n".join([lines[0], b"no JSON", longer, lines[2], b""])))
    cut = write_captures(tmp_path, [capture("d", YES, ago(hours=2))])
    cut.write_bytes(cut.read_bytes()[:-9])
    write_captures(tmp_path, [capture("e", YES, ago(hours=3))])
    write_feedback(tmp_path, [feedback(it, "no", NOW) for it in "abce"])
    monkeypatch.setattr(skimming, "MOST_LINE_BYTES", 1000)

    found = find_mistakes(str(tmp_path), "m", NOW)

    assert sorted(ids(found)) == ["a", "c", "e"]
    assert found.damaged == 2


@pytest.mark.parametrize("spent", [{"MOST_SECONDS": (60.0, 0.0)}, {"MOST_BYTES": (10**6, 0)}, {"MOST_TRUTHS": 1}])
def test_what_the_budget_does_not_reach_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spent: dict[str, object]
) -> None:
    for hours in (1, 2, 3):
        write_captures(tmp_path, [capture(f"r{hours}", YES, ago(hours=hours))])
    write_feedback(tmp_path, [feedback(f"r{hours}", "no", NOW) for hours in (1, 2, 3)])
    for name, value in spent.items():
        monkeypatch.setattr(mistakes, name, value)

    found = find_mistakes(str(tmp_path), "m", NOW)

    assert len(found.mistakes) < 3
    assert not found.is_complete


def test_without_captures_there_are_none(tmp_path: Path) -> None:
    found = find_mistakes(str(tmp_path), "m", NOW)

    assert (found.mistakes, found.known, found.since, found.is_complete) == ((), 0, None, True)


def test_a_pipe_in_place_of_a_part_is_damaged_and_not_waited_for(tmp_path: Path) -> None:
    write_captures(tmp_path, [capture("a", YES, ago(hours=1))])
    write_feedback(tmp_path, [feedback("a", "no", NOW)])
    (part,) = (tmp_path / "m" / "captures").rglob("*.gz")
    part.unlink()
    os.mkfifo(part)

    found = find_mistakes(str(tmp_path), "m", NOW)

    assert (found.known, found.damaged) == (0, 1)
    with pytest.raises(DamagedCapture, match="expected a file"):
        list(read_part(str(tmp_path), str(part), Capture.from_json))
