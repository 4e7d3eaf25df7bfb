"""Micro-batching over a real socket: who shares a call with whom, and what becomes of those who can't."""

import gc
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest

from serving.contract.arrays import Array, Features
from serving.errors import ModelServerError, ModelServerTimeout, UnknownVersion
from serving.prediction import micro_batching as batching
from serving.prediction import run_queue
from serving.prediction.micro_batching import Batcher
from serving.prediction.run_queue import RunQueue
from serving.tfserving.client import ModelServerClient
from tests.serving.contracts import scores, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, Refused, wait_until


def ids(*values: int) -> Features:
    return {"ids": np.array([[value] * 16 for value in values], np.int32)}


class Callers:
    """Calls in threads of their own: the first is out, and the others wait for it, when the server gets free."""

    def __init__(self, client: ModelServerClient, model_server: FakeModelServer, **options: Any) -> None:
        self.server = model_server
        self.shared: list[int] = []
        self.batcher = Batcher(
            client, **{"max_rows": 64, "on_call": lambda _, n, rows: self.shared.append(n)} | options
        )
        self._pool = ThreadPoolExecutor(32)
        self.free = threading.Event()
        self.entered = 0
        self._model = lambda features: scores(features, 1, 0)
        model_server.publish(text_contract(), model=self._run)

    def answers_by(self, model: Callable[[Features], Array]) -> None:
        self._model = model

    def ask(self, features: Features, seconds: float = 5, version: int = 1) -> Future[Array]:
        future = self._pool.submit(self._ask, features, seconds, version)
        time.sleep(0.03)  # so that callers come in order
        return future

    def _ask(self, features: Features, seconds: float, version: int) -> Array:
        answered, outputs = self.batcher.predict("sentiment", version, features, seconds)
        assert answered == version
        return outputs["scores"]

    def _run(self, features: Features) -> Array:
        self.entered += 1
        self.free.wait(5)
        return self._model(features)


@pytest.fixture
def callers(client: ModelServerClient, model_server: FakeModelServer, monkeypatch: pytest.MonkeyPatch) -> Callers:
    monkeypatch.setattr(batching, "STALLED_SECONDS", 5.0)  # a machine that is busy may take its time
    return Callers(client, model_server)


def right(future: Future[Array], features: Features) -> bool:
    return future.result().tolist() == scores(features, 1, 0).tolist()


def test_a_lone_request_is_sent_at_once_and_as_it_is(callers: Callers) -> None:
    callers.free.set()
    for _ in range(3):
        assert right(callers.ask(ids(1, 2)), ids(1, 2))
    assert callers.shared == [1, 1, 1]
    assert callers.server.rows == [2, 2, 2]


def test_what_comes_while_a_call_is_out_shares_the_next(callers: Callers) -> None:
    asked = [ids(1), ids(2, 3), ids(4), ids(5, 6, 7)]
    futures = [callers.ask(features) for features in asked]
    callers.free.set()
    assert all(right(future, features) for future, features in zip(futures, asked, strict=True))
    assert callers.shared == [1, 3]
    assert callers.server.rows == [1, 6]


def test_a_batch_has_a_limit_but_one_request_is_never_split(callers: Callers, client: ModelServerClient) -> None:
    callers = Callers(client, callers.server, max_rows=4)
    asked = [ids(0), ids(1, 2), ids(3, 4), ids(5), ids(*range(6, 16)), ids(16)]
    futures = [callers.ask(features) for features in asked]
    callers.free.set()
    assert all(right(future, features) for future, features in zip(futures, asked, strict=True))
    assert callers.server.rows == [1, 4, 1, 10, 1]


def test_large_requests_are_sent_as_they_come(callers: Callers, client: ModelServerClient) -> None:
    callers = Callers(client, callers.server, max_bytes=200)
    futures = [callers.ask(ids(value, value, value, value)) for value in range(3)]  # 64 bytes a row
    wait_until(lambda: callers.entered == 3)
    callers.free.set()
    assert all(right(future, ids(*[value] * 4)) for value, future in enumerate(futures))
    assert callers.shared == [1, 1, 1]


def test_large_requests_may_wait_in_the_order_of_coming(callers: Callers, client: ModelServerClient) -> None:
    callers = Callers(client, callers.server, max_bytes=200, max_large_calls=2)
    seen, out = [], threading.Semaphore(0)

    def model(features: Features) -> Array:
        seen.append(int(features["ids"][0, 0]))
        out.acquire(timeout=20)
        return scores(features, 1, 0)

    callers.free.set()
    callers.answers_by(model)
    futures = [callers.ask(ids(value, value, value, value)) for value in range(6)]  # 64 bytes a row
    for sent in (2, 3, 4, 5, 6):
        wait_until(lambda sent=sent: len(seen) == sent)
        time.sleep(0.03)
        assert sorted(seen) == list(range(sent)), "two are out, and those that came first"
        out.release()
    out.release()
    assert all(right(future, ids(*[value] * 4)) for value, future in enumerate(futures))
    assert callers.shared == [1] * 6


def test_a_large_request_that_is_stuck_does_not_hold_up_the_others(
    callers: Callers, client: ModelServerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "STALLED_SECONDS", 0.2)
    callers = Callers(client, callers.server, max_bytes=200, max_large_calls=1)
    futures = [callers.ask(ids(value, value, value, value)) for value in range(3)]
    wait_until(lambda: callers.entered == 3)
    callers.free.set()
    assert all(right(future, ids(*[value] * 4)) for value, future in enumerate(futures))


def test_where_none_are_shared_small_requests_are_sent_as_they_come(
    callers: Callers, client: ModelServerClient
) -> None:
    callers = Callers(client, callers.server, max_rows=1, max_large_calls=1)
    futures = [callers.ask(ids(value)) for value in range(3)]
    wait_until(lambda: callers.entered == 3)
    callers.free.set()
    assert all(right(future, ids(value)) for value, future in enumerate(futures))


def test_texts_count_by_their_length(callers: Callers, client: ModelServerClient) -> None:
    callers = Callers(client, callers.server, max_bytes=200)
    callers.answers_by(lambda features: np.full((len(features["text"]), 1), len(features["text"][0]), np.float32))
    futures = [callers.ask({"text": np.array([b"x" * length], object)}) for length in (300, 301, 302)]
    wait_until(lambda: callers.entered == 3)
    callers.free.set()
    assert [future.result(5).tolist() for future in futures] == [[[300.0]], [[301.0]], [[302.0]]]
    assert callers.shared == [1, 1, 1]


def test_several_calls_may_be_out(callers: Callers, client: ModelServerClient) -> None:
    callers = Callers(client, callers.server, max_calls=2)
    futures = [callers.ask(ids(value)) for value in range(5)]
    wait_until(lambda: callers.entered == 2)
    callers.free.set()
    for value, future in enumerate(futures):
        assert right(future, ids(value))
    assert sorted(callers.shared) == [1, 1, 3]


def test_other_versions_and_shapes_are_other_batches(callers: Callers) -> None:
    callers.server.publish(text_contract(), 2, weights=1)
    callers.answers_by(lambda features: scores(features, 1, 0))
    wide: Features = {"ids": np.ones((1, 20), np.int32)}
    first, same, other, wider = (
        callers.ask(ids(1)),
        callers.ask(ids(2)),
        callers.ask(ids(2), version=2),
        callers.ask(wide),
    )
    assert other.result().tolist() == scores(ids(2), 1, 1).tolist()  # while the first is still out
    callers.free.set()
    assert right(first, ids(1))
    assert right(same, ids(2))
    assert right(wider, wide)
    assert callers.shared == [1, 1, 1, 1]


def test_a_bad_request_does_not_spoil_its_neighbours(callers: Callers) -> None:
    def refuses_nines(features: Features) -> Array:
        if (features["ids"] == 9).any():
            raise Refused("nine")
        return scores(features, 1, 0)

    callers.answers_by(refuses_nines)
    futures = [callers.ask(ids(value)) for value in (1, 2, 9, 3)]
    callers.free.set()
    for place, value in ((0, 1), (1, 2), (3, 3)):
        assert right(futures[place], ids(value))
    with pytest.raises(ModelServerError, match="INVALID_ARGUMENT: nine"):
        futures[2].result()
    assert callers.shared == [1, 3, 1, 1, 1]


def test_an_answer_that_can_not_be_taken_apart_is_asked_for_again(callers: Callers) -> None:
    callers.answers_by(lambda features: scores(features, 1, 0)[:1])
    futures = [callers.ask(ids(value)) for value in (1, 2, 3)]
    callers.free.set()
    assert all(right(future, ids(value)) for future, value in zip(futures, (1, 2, 3), strict=True))


def test_a_failure_is_told_to_all_who_share_it(callers: Callers) -> None:
    futures = [callers.ask(ids(value)) for value in range(4)]
    callers.server.failure = (grpc.StatusCode.INTERNAL, "out of memory")
    callers.free.set()
    assert right(futures[0], ids(0))
    for future in futures[1:]:
        with pytest.raises(ModelServerError, match="out of memory"):
            future.result()
    assert callers.shared == [1, 3]


def test_each_keeps_its_own_deadline(callers: Callers) -> None:
    start = time.monotonic()
    futures = [callers.ask(ids(value), seconds) for value, seconds in enumerate((3, 3, 0.15, 0.2, 3))]
    for future in futures[2:4]:
        with pytest.raises(ModelServerTimeout):
            future.result()
    assert time.monotonic() - start < 2.5
    callers.free.set()
    for value in (0, 1, 4):
        assert right(futures[value], ids(value))
    assert callers.server.rows == [1, 2]  # nothing was computed for those who had gone


def test_who_shares_a_call_may_leave_it(callers: Callers) -> None:
    """The call has the latest deadline of those who share it."""
    first = callers.ask(ids(0))
    futures = [callers.ask(ids(value), seconds) for value, seconds in ((1, 0.9), (2, 4), (3, 0.8))]
    callers.server.delay_seconds = 1.0
    callers.free.set()
    assert right(first, ids(0))
    for future in (futures[0], futures[2]):
        with pytest.raises(ModelServerTimeout):
            future.result()
    assert right(futures[1], ids(2))
    assert callers.shared == [1, 3]


def test_a_call_that_is_stuck_does_not_hold_up_the_others(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "STALLED_SECONDS", 0.5)
    stuck = callers.ask(ids(0), 1.5)
    start = time.monotonic()
    callers.answers_by(lambda features: scores(features, 1, 0))
    waiting = [callers.ask(ids(value), 4) for value in (1, 2)]
    wait_until(lambda: callers.entered == 2)
    assert 0.4 < time.monotonic() - start < 1.4
    with pytest.raises(ModelServerTimeout):
        stuck.result()
    callers.free.set()
    assert all(right(future, ids(value)) for future, value in zip(waiting, (1, 2), strict=True))
    assert callers.shared == [1, 2]
    assert right(callers.ask(ids(5)), ids(5))


def test_under_load_calls_are_fewer_than_requests_and_every_answer_is_the_right_one(
    callers: Callers, client: ModelServerClient
) -> None:
    model_server = callers.server
    model_server.publish(text_contract(), 1)
    model_server.publish(text_contract(weights=4), 2, weights=4)
    model_server.publish(tabular_contract())
    model_server.delay_seconds = 0.002
    wrong = []

    def ask(number: int) -> None:
        for turn in range(25):
            features, version = ids(*range(number, number + 1 + turn % 3)), 1 + turn % 2
            _, outputs = callers.batcher.predict("sentiment", version, features, 5)
            if outputs["scores"].tolist() != scores(features, 1, 4 * (version - 1)).tolist():
                wrong.append((number, turn))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert sum(callers.shared) == 16 * 25
    assert len(callers.shared) < 16 * 25 / 2
    assert len(model_server.rows) == len(callers.shared)


def test_those_that_are_ready_to_run_share_the_call_of_the_first(
    callers: Callers, client: ModelServerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_queue, "SLICE_SECONDS", 30.0)
    queue = RunQueue()
    callers = Callers(client, callers.server, max_rows=4, run_queue=queue)
    callers.free.set()
    right_scores = []

    def ask(number: int) -> None:
        with queue.one_turn():
            queue.begin()
            _, outputs = callers.batcher.predict("sentiment", 1, ids(number), 20)
            right_scores.append(outputs["scores"].tolist() == scores(ids(number), 1, 0).tolist())

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    with queue.one_turn():
        queue.begin()
        for ready, thread in enumerate(threads, 1):
            thread.start()
            wait_until(lambda ready=ready: queue.waiting == ready)  # type: ignore[misc]
    for thread in threads:
        thread.join(30)
    assert right_scores == [True] * 6
    assert callers.shared == [4, 2]


class NoVersions:
    """A server that was asked for a version that it no longer has."""

    def predict(self, model: str, version: int, features: Features, deadline_seconds: float) -> Any:
        raise UnknownVersion(model, version)


def test_nothing_is_kept_of_what_is_done() -> None:
    batcher = Batcher(NoVersions())
    tracemalloc.start()
    try:
        for version in range(200):
            with pytest.raises(UnknownVersion):
                batcher.predict("sentiment", version, ids(1), 5)
        gc.collect()
        memory = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    of_batcher = memory.filter_traces([tracemalloc.Filter(True, batching.__file__)])
    kept = sum(line.count for line in of_batcher.statistics("lineno"))
    assert kept < 100  # a queue that is kept for each version takes several blocks


def test_what_waits_for_a_call_is_seen(callers: Callers) -> None:
    first = callers.ask(ids(1))
    wait_until(lambda: callers.entered == 1)
    assert not callers.batcher.is_waited_for
    second = callers.ask(ids(2))
    wait_until(lambda: callers.batcher.is_waited_for)
    callers.free.set()
    assert right(first, ids(1))
    assert right(second, ids(2))
    assert not callers.batcher.is_waited_for
