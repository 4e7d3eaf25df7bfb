import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.catalog.weights import InvalidWeights, Lines, parse
from serving.rollout.errors import ChangedByOthers, WeightsUnavailable
from serving.rollout.weighing import Weighing
from serving.rollout.weights_place import WeightsInFile

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_text("# ours\ntopic=1\nsentiment=4\n")
    return path


@pytest.fixture
def weighing(document: Path) -> Weighing:
    return Weighing(WeightsInFile(document), "sentiment", 5, 4, timedelta(minutes=5))


def test_a_share_is_given_with_its_end_raised_and_finished(weighing: Weighing, document: Path) -> None:
    for percent in (1.0, 25.0):
        weighing.give(percent, NOW)
        share = parse(document.read_text())["sentiment"].shares[5]
        assert (share.percent, share.since) == (percent, NOW)
        assert share.until
        assert timedelta(minutes=4) < share.until - datetime.now(UTC) < timedelta(minutes=6)
    weighing.finish()
    assert document.read_text() == "# ours\ntopic=1\nsentiment=5\n"


def test_a_link_stays_one_and_the_file_that_it_names_is_changed(document: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "weights"
    link.symlink_to(document)
    Weighing(WeightsInFile(link), "sentiment", 5, 4, timedelta(minutes=5)).give(1.0, NOW)
    assert 5 in parse(document.read_text())["sentiment"].shares
    assert link.is_symlink()


def test_a_share_is_renewed_only_when_half_its_time_is_over(document: Path) -> None:
    for expires, is_renewed in ((timedelta(hours=1), False), (timedelta(), True)):
        document.write_text("sentiment=4\n")
        weighing = Weighing(WeightsInFile(document), "sentiment", 5, 4, expires)
        weighing.give(1, NOW)
        written = document.stat().st_ino
        weighing.renew()
        assert (document.stat().st_ino != written) is is_renewed


def test_what_is_refused_has_its_reason_and_what_is_withdrawn_has_none(weighing: Weighing, document: Path) -> None:
    weighing.give(1, NOW)
    weighing.withdraw()
    assert parse(document.read_text())["sentiment"] == Lines(4)
    weighing.give(1, NOW)
    weighing.refuse("it fails")
    assert parse(document.read_text())["sentiment"] == Lines(4, {}, {5: "it fails"})


@pytest.mark.parametrize(
    ("theirs", "problem"),
    [
        ("sentiment=4\nsentiment:5=refused # mine", "version 5 was refused by somebody else: mine"),
        ("sentiment=3\nsentiment:5=1", "expected version 4 to be stable, which 3 is now"),
        ("sentiment=4\nsentiment:5=50", "the share it was given, 1 %, and it has 50 %"),
        ("sentiment=4", "the share it was given, 1 %, and it has none"),
    ],
)
def test_what_somebody_else_wrote_stays(weighing: Weighing, document: Path, theirs: str, problem: str) -> None:
    weighing.give(1, NOW)
    document.write_text(theirs)
    for change in (lambda: weighing.give(5, NOW), weighing.finish):
        with pytest.raises(ChangedByOthers, match=problem):
            change()
    assert document.read_text() == theirs


def test_a_version_that_was_made_stable_is_not_taken_back(weighing: Weighing, document: Path) -> None:
    weighing.give(1, NOW)
    document.write_text("sentiment=5\n")
    for change in (weighing.withdraw, lambda: weighing.refuse("it fails")):
        with pytest.raises(ChangedByOthers, match="version 5 was made stable by somebody else"):
            change()
    assert document.read_text() == "sentiment=5\n"


def test_other_canaries_leave_no_more_than_is_left(weighing: Weighing, document: Path) -> None:
    document.write_text("sentiment=4\nsentiment:6=80\n")
    weighing.give(20, NOW)
    with pytest.raises(InvalidWeights, match="at most 100 percent in total"):
        weighing.give(25, NOW)
    assert parse(document.read_text())["sentiment"].shares[5].percent == 20


@pytest.mark.parametrize("content", [None, b"\xff", b"sentiment"])
def test_a_document_that_can_not_be_used_is_told(weighing: Weighing, document: Path, content: bytes | None) -> None:
    document.unlink() if content is None else document.write_bytes(content)
    with pytest.raises(WeightsUnavailable):
        weighing.give(1, NOW)


def test_changes_at_one_time_take_turns(document: Path) -> None:
    canaries = [Weighing(WeightsInFile(document), f"model-{number}", 2, 1, timedelta(hours=1)) for number in range(8)]
    threads = [
        threading.Thread(target=lambda it=it: [it.give(percent, NOW) for percent in (1.0, 2.0, 3.0)]) for it in canaries
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shares = [parse(document.read_text())[f"model-{number}"].shares[2] for number in range(8)]
    assert [(share.percent, share.since) for share in shares] == [(3.0, NOW)] * 8
