import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.captures import (
    CAPTURES,
    Capture,
    DamagedCapture,
    Failure,
    PartName,
    UnusableCaptures,
    parts_in,
    read_captures,
    write_part,
)

TIME = datetime(2026, 11, 29, 10, 11, 12, 345678, UTC)
CAPTURE = Capture(
    time=TIME, request_id="a-1", index=0, model="sentiment", version=3, instance={"text": "fün"}, answer={"label": "x"}
)
LINE = (
    '{"capture":1,"time":"2026-11-29T10:11:12.345678Z","request_id":"a-1","index":0,"model":"sentiment","version":3,'
    '"share":1.0,"instance":{"text":"fün"},"answer":{"label":"x"}}'
)


def write(folder: Path, time: datetime, *captures: Capture, model: str = "sentiment") -> Path:
    return write_part(folder, PartName.new(model, CAPTURES, time), [capture.to_json() for capture in captures])


def test_a_capture_is_one_line_of_json():
    assert CAPTURE.to_json() == LINE
    assert Capture.from_json(LINE) == CAPTURE


def test_that_of_a_failed_request_has_its_status_and_error_instead_of_an_answer():
    failed = replace(CAPTURE, version=None, answer=None, status=422, error=Failure(code="c", detail="d"), share=0.5)

    assert failed.to_json().endswith('"instance":{"text":"fün"},"status":422,"error":{"code":"c","detail":"d"}}')
    assert Capture.from_json(failed.to_json()) == failed


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (LINE, "{", "line 2: expected an object of JSON"),
        (LINE, "[]", "line 2: expected an object with 'capture': 1, as each line has"),
        ('"capture":1', '"capture":2', "line 2: expected 'capture': 1, got 2: a later release wrote it"),
        ('"index":0,', "", "line 2: expected a member 'index': a whole number, at least 0"),
        ('"index":0', '"index":-1', "line 2: index: expected a whole number, at least 0, got -1"),
        ('"share":1.0', '"share":0', "line 2: share: expected a number above 0, at most 1, got 0"),
        (
            "345678Z",
            "Z",
            "line 2: time: expected a time such as 2026-11-29T10:11:12.345678Z, got '2026-11-29T10:11:12.Z'",
        ),
        ('"fün"', "NaN", "line 2: expected an object of JSON"),
        ('"answer"', '"reply"', "line 2: expected a member 'answer': the answer"),
        ('"index"', '"more":1,"index"', "line 2: expected no member 'more'"),
        (
            '"answer":{"label":"x"}',
            '"status":200,"error":{}',
            "line 2: status: expected the status of a failed request",
        ),
    ],
)
def test_a_line_that_is_no_capture_is_named_with_its_file(tmp_path: Path, old: str, new: str, problem: str):
    assert old in LINE
    path = write_part(tmp_path, PartName.new("sentiment", CAPTURES, TIME), [LINE, LINE.replace(old, new)])

    with pytest.raises(DamagedCapture) as error:
        list(read_captures(str(tmp_path), "sentiment"))

    assert str(error.value).startswith(f"{path}: {problem}")


def test_a_part_that_was_cut_off_is_named(tmp_path: Path):
    path = write(tmp_path, TIME, CAPTURE)
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(DamagedCapture, match=r"line [12]: expected a part in gzip, whole"):
        list(read_captures(str(tmp_path), "sentiment"))


def test_parts_are_read_in_the_order_of_their_times(tmp_path: Path):
    later = replace(CAPTURE, time=TIME + timedelta(days=1), request_id="later")
    write(tmp_path, later.time, later)
    path = write(tmp_path, TIME, CAPTURE)

    assert list(read_captures(str(tmp_path), "sentiment")) == [CAPTURE, later]
    assert path.parent == tmp_path / "sentiment" / "captures" / "2026-11-29"
    assert path.name.startswith("101112-")
    assert path.name.endswith(".jsonl.gz")
    assert gzip.decompress(path.read_bytes()).decode() == f"{LINE}\n"


def test_a_window_has_its_beginning_and_not_its_end(tmp_path: Path):
    captures = [replace(CAPTURE, time=TIME + timedelta(minutes=minute), index=minute) for minute in range(60)]
    write(tmp_path, TIME, *captures)

    found = read_captures(str(tmp_path), "sentiment", TIME + timedelta(minutes=50), TIME + timedelta(minutes=52))

    assert [capture.index for capture in found] == [50, 51]


def test_parts_that_can_have_no_line_of_a_window_are_not_opened(tmp_path: Path):
    write(tmp_path, TIME, CAPTURE)

    assert parts_in(str(tmp_path), "sentiment", CAPTURES, since=TIME + timedelta(hours=2)) == []
    assert parts_in(str(tmp_path), "sentiment", CAPTURES, until=TIME - timedelta(hours=2)) == []
    assert len(parts_in(str(tmp_path), "sentiment", CAPTURES, TIME, TIME + timedelta(seconds=2))) == 1


def test_parts_that_are_not_whole_yet_and_other_files_are_ignored(tmp_path: Path):
    path = write(tmp_path, TIME, CAPTURE)
    path.rename(path.with_name(f".{path.name}"))
    path.with_name("notes.txt").write_text("a")
    path.with_name(path.name.replace("101112", "996199")).write_text("a")
    write(tmp_path, TIME, CAPTURE, model="topic")

    assert list(read_captures(str(tmp_path), "sentiment")) == []
    assert list(read_captures(str(tmp_path / "none"), "sentiment")) == []


def test_a_store_without_its_package_is_an_error(tmp_path: Path):
    with pytest.raises(UnusableCaptures, match="nosuch"):
        list(read_captures("nosuch://bucket", "sentiment"))
