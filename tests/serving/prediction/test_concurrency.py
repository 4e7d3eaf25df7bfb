import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.errors import ModelServerTimeout, Overloaded
from serving.prediction.concurrency import Limits
from tests.serving.fake_model_server import wait_until


class Work:
    """Holds turns until it is told to finish."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pool = ThreadPoolExecutor(16)
        self.finish = threading.Event()
        self.at_work = 0

    def start(self, model: str = "digits", seconds: float = 5):  # type: ignore[no-untyped-def]
        return self._pool.submit(self._run, model, seconds)

    def _run(self, model: str, seconds: float) -> str:
        with self._limits.turn(model, seconds):
            self.at_work += 1
            self.finish.wait(5)
            return "done"


def test_as_many_as_allowed_work_some_wait_and_the_rest_is_refused() -> None:
    work = Work(Limits(most=2, waiting=3))
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


def test_one_model_does_not_take_the_turns_of_another() -> None:
    work = Work(Limits(most=1, waiting=0))
    work.start()
    wait_until(lambda: work.at_work == 1)
    with pytest.raises(Overloaded):
        work.start().result()
    other = work.start("topic")
    wait_until(lambda: work.at_work == 2)
    work.finish.set()
    assert other.result() == "done"


def test_turns_are_given_in_the_order_of_coming() -> None:
    limits = Limits(most=1)
    served: list[int] = []

    def ask(number: int) -> None:
        with limits.turn("digits", 30):
            served.append(number)

    with ThreadPoolExecutor(20) as pool, limits.turn("digits", 1):
        for number in range(20):
            pool.submit(ask, number)
            wait_until(lambda count=number + 1: len(limits._doors["digits"].waiting) == count)  # type: ignore[misc]
    assert served == list(range(20))


def test_who_waits_gives_up_at_the_deadline() -> None:
    work = Work(Limits(most=1, waiting=1))
    work.start()
    wait_until(lambda: work.at_work == 1)
    for _ in range(3):  # whoever gave up no longer counts as waiting
        with pytest.raises(ModelServerTimeout, match="while the request was waiting"):
            work.start(seconds=0.02).result()
    work.finish.set()


def test_a_failure_gives_its_turn_back() -> None:
    limits = Limits(most=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), limits.turn("digits", 1):
            raise ZeroDivisionError


def test_who_waits_and_who_is_refused_is_told() -> None:
    told: list[tuple[object, ...]] = []
    tell = lambda *what: told.append(what)  # noqa: E731
    work = Work(Limits(most=1, waiting=1, on_wait=tell, on_refusal=tell))
    first = work.start()
    wait_until(lambda: work.at_work == 1)
    assert told == []
    second = work.start()
    wait_until(lambda: told == [("digits", 1)])
    assert isinstance(work.start().exception(), Overloaded)
    work.finish.set()
    assert [first.result(), second.result()] == ["done"] * 2
    assert told == [("digits", 1), ("digits",), ("digits", -1)]
