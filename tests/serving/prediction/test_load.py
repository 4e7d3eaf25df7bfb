"""What a process is busy with: requests that run, wait for a slot, or came since the last look."""

from serving.prediction.concurrency import ConcurrencyLimits
from serving.prediction.load import Load
from serving.prediction.run_queue import RunQueue
from tests.serving.batch.instant import InstantServer
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import wait_until
from tests.serving.prediction.test_concurrency import Work

RUNNER = InstantServer(text_contract())


def test_it_is_busy_while_a_request_runs_and_until_none_came_since_the_last_look() -> None:
    queue = RunQueue()
    load = Load(queue, ConcurrencyLimits(), RUNNER)
    seen = [load.is_busy()]
    with queue.one_turn():
        queue.begin()
        seen += [load.is_busy(), load.is_busy()]
    seen.append(load.is_busy())
    with queue.one_turn():
        queue.begin()
    seen += [load.is_busy(), load.is_busy()]

    assert seen == [False, True, True, False, True, False]


def test_it_is_busy_while_requests_wait_for_a_slot() -> None:
    work = Work(limits := ConcurrencyLimits(max_running=1, max_waiting=1))
    load = Load(RunQueue(), limits, RUNNER)
    running = work.start("digits")
    wait_until(lambda: work.at_work == 1)
    assert not load.is_busy()
    waiting = work.start("digits")
    wait_until(load.is_busy)
    work.finish.set()
    assert (running.result(), waiting.result()) == ("done", "done")
    assert not load.is_busy()
