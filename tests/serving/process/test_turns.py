import threading
import time

from serving.process.turns import Turns


def test_one_has_its_turn_at_a_time() -> None:
    turns, running, most = Turns(10), [], []

    def work() -> None:
        with turns.one():
            running.append(1)
            most.append(len(running))
            time.sleep(0.002)
            running.pop()

    threads = [threading.Thread(target=work) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1] * 40


def test_one_that_never_ends_delays_the_others_once() -> None:
    turns, done = Turns(0.2), []
    with turns.one():
        started = time.monotonic()

        def work() -> None:
            with turns.one():
                done.append(time.monotonic() - started)

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(done) == 20
    assert min(done) >= 0.2
    assert max(done) < 0.2 * 10  # not 0.2 for each
    with turns.one():
        pass


def test_nobody_waits_longer_than_asked() -> None:
    turns = Turns(60)
    started = time.monotonic()
    with turns.one(), turns.one(wait_seconds=0.05):
        assert time.monotonic() - started < 10
