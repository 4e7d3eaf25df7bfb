import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from serving.prediction import run_queue
from serving.prediction.run_queue import RunQueue, new_waiter
from tests.serving.fake_model_server import wait_until


@pytest.fixture(autouse=True)
def slices_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_queue, "SLICE_SECONDS", 30.0)


class Threads:
    """Threads in a queue; *told* has their names in the order in which they ran."""

    def __init__(self, queue: RunQueue) -> None:
        self.queue = queue
        self.told: list[str] = []
        self._threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], None] = lambda: None, first: bool = False) -> None:
        """Start a thread that records its name when its turn begins, and then does *work*."""

        def run() -> None:
            with self.queue.one_turn():
                self.queue.begin(first)
                self.told.append(name)
                work()

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def start_ready(self, *names: str) -> None:
        """Start threads that can't run yet, one after the other."""
        for name in names:
            before = self.queue.waiting
            self.start(name)
            wait_until(lambda before=before: self.queue.waiting > before)  # type: ignore[misc]

    def join(self) -> list[str]:
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()
        return self.told


@contextmanager
def one_turn(queue: RunQueue) -> Iterator[None]:
    with queue.one_turn():
        queue.begin()
        yield


def next_one_runs(queue: RunQueue) -> bool:
    """Whether nobody has kept a turn: slices are without end here."""
    threads = Threads(queue)
    threads.start("next")
    return threads.join() == ["next"]


def test_threads_run_in_the_order_in_which_they_came() -> None:
    threads = Threads(RunQueue())
    with one_turn(threads.queue):
        threads.start_ready(*"abcdef")
        assert threads.told == []
    assert threads.join() == [*"abcdef"]


def test_no_more_than_the_maximum_run() -> None:
    threads, end = Threads(RunQueue(2)), threading.Event()
    for name in "abc":
        threads.start(name, lambda: end.wait(20) and None)
    wait_until(lambda: len(threads.told) == 2)
    time.sleep(0.05)
    assert len(threads.told) == 2
    end.set()
    threads.join()


def test_one_that_gives_way_runs_after_those_that_were_ready() -> None:
    threads = Threads(RunQueue())
    with one_turn(threads.queue):
        threads.start_ready("a", "b")
        threads.queue.give_way()
        threads.told.append("me")
        threads.start_ready("c")
    assert threads.join() == ["a", "b", "me", "c"]


def test_the_first_waits_for_no_other_that_waits() -> None:
    threads = Threads(RunQueue())
    with one_turn(threads.queue):
        threads.start_ready("a")
        before = threads.queue.waiting
        threads.start("first", first=True)
        wait_until(lambda: threads.queue.waiting > before)
    assert threads.join() == ["first", "a"]


def test_one_that_pauses_goes_on_before_those_that_have_yet_to_begin() -> None:
    threads, end = Threads(RunQueue()), threading.Event()
    with one_turn(threads.queue):
        with threads.queue.paused():
            threads.start("a", lambda: end.wait(20) and None)
            wait_until(lambda: threads.told == ["a"])
            threads.start_ready("b")
            threading.Timer(0.1, end.set).start()
        threads.told.append("me")
    assert threads.join() == ["a", "me", "b"]


def test_those_that_are_woken_go_on_in_order_before_those_that_have_yet_to_begin() -> None:
    threads = Threads(RunQueue())
    waiters = {name: new_waiter() for name in "abc"}

    def sleep(name: str) -> None:
        with threads.queue.asleep(waiters[name]):
            assert threads.queue.wait(waiters[name], 20)
        threads.told.append(f"{name} again")

    for name in waiters:
        threads.start(name, lambda name=name: sleep(name))  # type: ignore[misc]
    wait_until(lambda: len(threads.told) == 3)
    with one_turn(threads.queue):  # which starts when the last is asleep
        threads.start_ready("d")
        threads.queue.wake([waiters["b"], waiters["c"], waiters["a"]])
        time.sleep(0.05)
        assert len(threads.told) == 3
    assert threads.join()[3:] == ["b again", "c again", "a again", "d"]


def test_a_waiter_released_before_its_thread_sleeps_does_not_end_its_turn() -> None:
    threads, waiter = Threads(RunQueue()), new_waiter()
    with one_turn(threads.queue):
        threads.start_ready("a")
        threads.queue.wake([waiter])
        with threads.queue.asleep(waiter):
            assert threads.queue.wait(waiter, 20)
        assert threads.told == []
    assert threads.join() == ["a"]


def test_a_waiter_that_is_not_released_is_waited_for_until_the_deadline() -> None:
    queue = RunQueue()
    start = time.monotonic()
    with one_turn(queue), queue.asleep(new_waiter()):
        assert not queue.wait(new_waiter(), 0.05)
    assert 0.05 <= time.monotonic() - start < 10
    assert next_one_runs(queue)


def test_a_turn_that_takes_too_long_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_queue, "SLICE_SECONDS", 0.02)
    threads = Threads(RunQueue())
    with one_turn(threads.queue):
        threads.start("a")
        threads.start("b")
        threads.join()
        with threads.queue.paused():
            pass
        threads.start("c")
        threads.join()
    monkeypatch.setattr(run_queue, "SLICE_SECONDS", 30.0)
    assert next_one_runs(threads.queue)


def test_threads_outside_a_turn_are_not_affected() -> None:
    queue = RunQueue()
    waiter = new_waiter()
    with one_turn(queue):
        threading.Thread(target=lambda: outside(queue, waiter)).start()
        assert waiter.acquire(timeout=20)


def outside(queue: RunQueue, waiter: threading.Lock) -> None:
    queue.begin()
    queue.give_way()
    with queue.paused():
        pass
    own = new_waiter()
    queue.wake([own])
    with queue.asleep(own):
        assert queue.wait(own, 20)
    waiter.release()


def test_it_is_full_while_threads_run_and_has_room_while_they_wait_for_something() -> None:
    queue, free = RunQueue(), threading.Event()
    threads = Threads(queue)
    assert not queue.is_full
    with one_turn(queue):
        assert queue.is_full
        with queue.paused():
            assert not queue.is_full
            threads.start("other", lambda: free.wait(20) and None)
            wait_until(lambda: threads.told == ["other"])
            assert queue.is_full
            free.set()
            threads.join()
    assert not queue.is_full
