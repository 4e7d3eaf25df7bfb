import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.errors import ModelServerTimeout, Overloaded
from serving.prediction.concurrency import ConcurrencyLimits
from tests.serving.fake_model_server import wait_until


class Work:
    """Holds slots until it may finish."""

    def __init__(self, limits: ConcurrencyLimits) -> None:
        self._limits = limits
        self._pool = ThreadPoolExecutor(16)
        self.finish = threading.Event()
        self.at_work = 0

    def start(self, model: str = "digits", seconds: float = 5):  # type: ignore[no-untyped-def]
        return self._pool.submit(self._run, model, seconds)

    def _run(self, model: str, seconds: float) -> str:
        with self._limits.slot(model, seconds):
            self.at_work += 1
            self.finish.wait(5)
            return "done"


def test_some_run_some_wait_and_the_rest_is_refused() -> None:
    work = Work(ConcurrencyLimits(max_running=2, max_waiting=3))
    running = [work.start() for _ in range(5)]
    wait_until(lambda: work.at_work == 2)
    wait_until(lambda: refused(work))
    time.sleep(0.05)
    assert work.at_work == 2
    work.finish.set()
    assert [future.result() for future in running] == ["done"] * 5
    assert work.start().result() == "done"


def refused(work: Work) -> bool:
    error = work.start(seconds=0.01).exception()
    if isinstance(error, ModelServerTimeout):
        return False
    assert isinstance(error, Overloaded)
    return str(error) == "digits: the queue is full: 3 requests are waiting; try again later"


def test_one_model_does_not_take_the_slots_of_another() -> None:
    work = Work(ConcurrencyLimits(max_running=1, max_waiting=0))
    work.start()
    wait_until(lambda: work.at_work == 1)
    with pytest.raises(Overloaded):
        work.start().result()
    other = work.start("topic")
    wait_until(lambda: work.at_work == 2)
    work.finish.set()
    assert other.result() == "done"


def test_slots_are_given_first_come_first_served() -> None:
    waiting: list[str] = []
    limits = ConcurrencyLimits(
        max_running=1, on_wait=lambda model, change: waiting.append(model) if change > 0 else None
    )
    served: list[int] = []

    def ask(number: int) -> None:
        with limits.slot("digits", 30):
            served.append(number)

    with ThreadPoolExecutor(20) as pool, limits.slot("digits", 1):
        for number in range(20):
            pool.submit(ask, number)
            wait_until(lambda count=number + 1: len(waiting) == count)  # type: ignore[misc]
    assert served == list(range(20))


def test_a_waiting_request_gives_up_at_the_deadline() -> None:
    work = Work(ConcurrencyLimits(max_running=1, max_waiting=1))
    work.start()
    wait_until(lambda: work.at_work == 1)
    for _ in range(3):  # one that gave up no longer counts as waiting
        with pytest.raises(ModelServerTimeout, match="while the request was waiting"):
            work.start(seconds=0.02).result()
    work.finish.set()


def test_a_failure_frees_its_slot() -> None:
    limits = ConcurrencyLimits(max_running=1, max_waiting=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), limits.slot("digits", 1):
            raise ZeroDivisionError


def test_waiting_and_refused_requests_are_reported() -> None:
    told: list[tuple[object, ...]] = []
    tell = lambda *what: told.append(what)  # noqa: E731
    work = Work(ConcurrencyLimits(max_running=1, max_waiting=1, on_wait=tell, on_refusal=tell))
    first = work.start()
    wait_until(lambda: work.at_work == 1)
    assert told == []
    second = work.start()
    wait_until(lambda: told == [("digits", 1)])
    assert isinstance(work.start().exception(), Overloaded)
    work.finish.set()
    assert [first.result(), second.result()] == ["done"] * 2
    assert told == [("digits", 1), ("digits",), ("digits", -1)]


def test_what_waits_for_a_slot_is_seen() -> None:
    work = Work(ConcurrencyLimits(max_running=1, max_waiting=1))
    running = work.start("digits")
    wait_until(lambda: work.at_work == 1)
    assert not work._limits.are_waited_for
    waiting = work.start("digits")
    wait_until(lambda: work._limits.are_waited_for)
    work.finish.set()
    assert (running.result(), waiting.result()) == ("done", "done")
    assert not work._limits.are_waited_for
