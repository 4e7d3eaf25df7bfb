from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.captures.parts import packed
from serving.truth.following import Follower, models_in
from serving.truth.report import Report
from tests.serving.truth.parts import capture, feedback, write_captures, write_feedback

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=3)
YES = {"label": "yes", "score": 0.9}


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    made = Follower(str(tmp_path), "m", timedelta(days=1))
    yield made
    made.close()


def figures(report: Report) -> list[tuple[int, int, int]]:
    return [(version.version, version.answers, version.known) for version in report.versions]


def test_each_look_reads_what_is_new(follower: Follower, tmp_path: Path) -> None:
    write_captures(tmp_path, [capture("a", YES, EARLIER), capture("b", YES, EARLIER, version=2)])
    first = follower.look(NOW)
    for path in tmp_path.rglob("*.gz"):
        path.write_bytes(b"read once")
    write_feedback(tmp_path, [feedback("b", "no", NOW)])
    second = follower.look(NOW)

    assert figures(first) == [(1, 1, 0), (2, 1, 0)]
    assert figures(second) == [(1, 1, 0), (2, 1, 1)]
    assert (second.versions[1].measures[0].value, second.versions[1].delay, follower.damaged) == (
        0.0,
        (10800, 10800),
        0,
    )


def test_what_leaves_the_window_counts_no_more(follower: Follower, tmp_path: Path) -> None:
    write_captures(tmp_path, [capture("a", YES, EARLIER), capture("b", YES, NOW)])
    write_captures(tmp_path, [capture("old", YES, NOW - timedelta(days=3))])
    write_captures(tmp_path, [capture("other", YES, NOW, model="n")])

    assert figures(follower.look(NOW)) == [(1, 2, 0)]
    assert figures(follower.look(NOW + timedelta(hours=23))) == [(1, 1, 0)]
    assert figures(follower.look(NOW + timedelta(hours=25))) == []


def test_a_damaged_part_is_named_and_the_others_are_read(follower: Follower, tmp_path: Path, caplog) -> None:
    broken = write_captures(tmp_path, [capture("a", YES, EARLIER), capture("b", YES, EARLIER)])
    broken.write_bytes(packed(capture("a", YES, EARLIER).to_json().encode() + b"\nno JSON\n"))
    write_captures(tmp_path, [capture("c", YES, NOW)])

    assert figures(follower.look(NOW)) == [(1, 2, 0)]
    assert follower.damaged == 1
    assert f"{broken}: line 2: expected an object of JSON" in caplog.text


def test_models_are_those_that_have_captures_or_feedback(tmp_path: Path) -> None:
    write_captures(tmp_path, [capture("a", YES, NOW, model="b")])
    write_feedback(tmp_path, [feedback("a", "yes", NOW, model="a")])
    (tmp_path / ".keeping").write_text("")

    assert models_in(str(tmp_path)) == ["a", "b"]
    assert models_in(str(tmp_path / "none")) == []
