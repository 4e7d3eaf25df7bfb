import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.captures import parts_in, read_part
from serving.errors import FeedbackUnavailable, Overloaded
from serving.truth.accepting import FeedbackLog
from serving.truth.feedback import Feedback
from serving.truth.store import Local, open_store
from tests.serving.fake_model_server import wait_until

SECONDS = 20.0


def truths(*labels: str) -> list[Feedback]:
    now = datetime.now(UTC)
    return [Feedback(time=now, request_id=label, index=0, model="m", truth=label) for label in labels]


def kept(place: str) -> list[str]:
    parts = [path for path, _ in parts_in(place, "m", "feedback")]
    return [it.truth for path in parts for it in read_part(place, path, Feedback.from_json)]


class Held:
    """A store that keeps nothing until it may, and says how often it was asked to."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.kept: list[dict[str, bytes]] = []
        self.begun = 0

    def keep(self, lines: Mapping[str, bytes]) -> None:
        self.begun += 1
        self.may.wait(SECONDS)
        self.kept.append(dict(lines))

    def tidy(self, at_end: bool = False) -> None:
        pass


@pytest.fixture
def held() -> Iterator[Held]:
    store = Held()
    yield store
    store.may.set()


def test_feedback_is_kept_in_parts_by_model(tmp_path) -> None:
    log = FeedbackLog(Local(tmp_path))
    log.add("m", truths("a", "b"), SECONDS)
    log.add("m", truths("c"), SECONDS)
    log.close()

    assert kept(str(tmp_path)) == ["a", "b", "c"]


def test_a_store_is_put_to_before_a_call_returns() -> None:
    log = FeedbackLog(open_store("memory://feedback"))
    log.add("m", truths("a"), SECONDS)

    assert kept("memory://feedback") == ["a"]
    log.close()


def test_calls_that_wait_at_a_time_are_kept_together(held) -> None:
    log = FeedbackLog(held, most_calls=8)
    threads = [threading.Thread(target=log.add, args=("m", truths(str(n)), SECONDS)) for n in range(8)]
    threads[0].start()
    wait_until(lambda: held.begun == 1)
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: log.waiting == 8)
    held.may.set()
    for thread in threads:
        thread.join()
    log.close()

    assert [lines["m"].count(b"\n") for lines in held.kept] == [1, 7]


def test_more_calls_than_may_wait_are_refused(held) -> None:
    log = FeedbackLog(held, most_calls=1)
    thread = threading.Thread(target=log.add, args=("m", truths("a"), SECONDS))
    thread.start()
    wait_until(lambda: log.waiting == 1)

    with pytest.raises(Overloaded):
        log.add("m", truths("b"), SECONDS)
    held.may.set()
    thread.join()
    log.close()
    assert len(held.kept) == 1


def test_a_call_does_not_wait_longer_than_it_may(held) -> None:
    log = FeedbackLog(held)

    with pytest.raises(FeedbackUnavailable, match=r"took longer than 0.01 s; send it again, which does no harm"):
        log.add("m", truths("a"), 0.01)
    assert log.waiting == 0
    held.may.set()
    log.close()


def test_what_can_not_be_kept_is_told_and_the_next_is_tried_again(tmp_path, caplog) -> None:
    place = tmp_path / "folder"
    place.write_text("a file")
    log = FeedbackLog(Local(Path(place)))
    for _ in range(2):
        with pytest.raises(FeedbackUnavailable, match="the disk or store of CAPTURE fails; send"):
            log.add("m", truths("a"), SECONDS)
    place.unlink()

    log.add("m", truths("b"), SECONDS)
    log.close()

    assert kept(str(place)) == ["b"]
    assert caplog.text.count("feedback is refused: [Errno 17] File exists") == 1


def test_nothing_is_taken_once_it_is_closed(tmp_path) -> None:
    log = FeedbackLog(Local(tmp_path))
    log.close()

    with pytest.raises(FeedbackUnavailable, match="the gateway is ending"):
        log.add("m", truths("a"), SECONDS)
