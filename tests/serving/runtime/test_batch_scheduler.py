"""The queues alone, with a session that is a fake: it notes the batches it gets and adds one to each number."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from serving.local_server.server_metrics import BatchingMetrics, Metrics
from serving.runtime.batch import Batch, Kind, Task
from serving.runtime.batch_scheduler import BatchScheduler
from serving.runtime.batching_parameters import BatchingParameters
from serving.runtime.batching_session import BatchingSession
from serving.runtime.errors import ServingError
from serving.tfserving.codes import Code


class Session:
    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def run(self, feeds: object, fetches: object, arrays: Sequence[np.ndarray], deadline: object) -> list[np.ndarray]:
        self.gate.wait(10)
        self.sizes.append(len(arrays[0]))
        if (arrays[0] < 0).any():
            raise ServingError(Code.INVALID_ARGUMENT, "negative")
        return [arrays[0] + 1]


def batching(session: Session, **parameters: object) -> BatchingSession:
    return BatchingSession(session, BatchScheduler(2, BatchingMetrics()), BatchingParameters(**parameters))


def test_a_large_request_is_split_and_joined() -> None:
    session = Session()
    split = batching(session, max_batch_size=128, max_execution_batch_size=32, enable_large_batch_splitting=True)
    numbers = np.arange(100)
    np.testing.assert_array_equal(split.run((), (), [numbers])[0], numbers + 1)
    assert sorted(session.sizes) == [4, 32, 32, 32]


def test_splitting_does_not_lift_the_limit_of_a_request() -> None:
    split = batching(Session(), max_batch_size=128, max_execution_batch_size=32, enable_large_batch_splitting=True)
    with pytest.raises(ServingError, match="Task size 129 is larger than maximum input batch size 128"):
        split.run((), (), [np.zeros(129)])


def test_a_queue_without_room_for_all_pieces_refuses() -> None:
    split = batching(
        Session(),
        max_batch_size=128,
        max_execution_batch_size=32,
        enable_large_batch_splitting=True,
        max_enqueued_batches=2,
    )
    with pytest.raises(ServingError, match="task size is 65 but scheduling capacity is only 64"):
        split.run((), (), [np.zeros(65)])


def test_late_tasks_are_not_run() -> None:
    session = Session()
    late, fine = Task([np.zeros(1)], 1, deadline=0.0), Task([np.zeros(1)], 1, deadline=None)
    Batch(Kind(session, BatchingParameters(), (), (), ((),)), 0.0, [late, fine]).run(BatchingMetrics())
    assert isinstance(late.result.exception(), ServingError)
    assert fine.result.result() == [np.ones(1)]
    assert session.sizes == [1]


def test_padding_repeats_and_is_cut_off() -> None:
    session = Session()
    padded = batching(session, max_batch_size=8, allowed_batch_sizes=(4, 8))
    np.testing.assert_array_equal(padded.run((), (), [np.array([1, 2, 3])])[0], [2, 3, 4])
    assert session.sizes == [4]


def test_emptied_queues_are_forgotten() -> None:
    scheduler = BatchScheduler(2, BatchingMetrics())
    for width in range(1, 20):
        BatchingSession(Session(), scheduler, BatchingParameters()).run((), (), [np.zeros((1, width))])
    assert scheduler._queues == {}


SPLIT = {"enable_large_batch_splitting": True, "max_execution_batch_size": 64}


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"max_batch_size": 32, "allowed_batch_sizes": (8, 16)}, "last entry was 16; expected 32"),
        ({"max_batch_size": 512, **SPLIT, "allowed_batch_sizes": (32, 64)}, "last entry was 64; expected 512"),
        ({"allowed_batch_sizes": (64,)}, "last entry was 64; expected 1000"),
        ({"num_batch_threads": 0}, "num_batch_threads must be positive; was 0"),
        ({"max_batch_size": 0}, "input_batch_size_limit must be positive; was 0"),
        ({"batch_timeout_micros": -1}, "batch_timeout_micros must be non-negative; was -1"),
        ({"max_enqueued_batches": 0}, "max_enqueued_batches must be positive; was 0"),
        ({"max_batch_size": 32, **SPLIT}, "input_batch_size_limit must be greater than or equal to max_execution_"),
    ],
)
def test_what_the_original_refuses_is_refused_in_its_words(parameters: dict[str, Any], problem: str) -> None:
    with pytest.raises(ServingError, match=problem):
        BatchingParameters(**parameters)


def test_allowed_sizes_go_up_to_the_largest_request_though_it_is_split() -> None:
    parameters = BatchingParameters(max_batch_size=512, **SPLIT, allowed_batch_sizes=(32, 64, 512))
    assert (parameters.largest_batch, parameters.max_batch_size) == (64, 512)


def test_batches_waiting_and_padding_are_told() -> None:
    metrics = Metrics()
    parameters = BatchingParameters(max_batch_size=8, allowed_batch_sizes=(4, 8))
    session = BatchingSession(Session(), BatchScheduler(2, metrics.batching), parameters)
    assert metrics.expose() == ""
    for rows in (3, 8):
        session.run((), (), [np.zeros(rows)])

    text, prefix = metrics.expose(), ":tensorflow:serving:batching_session"
    assert f"# TYPE {prefix}:wrapped_run_count counter\n{prefix}:wrapped_run_count 2\n" in text
    assert f'{prefix}:input_batch_size_bucket{{le="4"}} 1\n' in text
    assert f"{prefix}:input_batch_size_sum 11\n" in text
    assert f"{prefix}:processed_batch_size_sum 12\n" in text
    assert f'{prefix}:padding_size_sum{{execution_batch_size="4"}} 1\n' in text
    assert f'{prefix}:padding_size_sum{{execution_batch_size="8"}} 0\n' in text
    assert f'{prefix}:queuing_latency_count{{thread_pool_name=""}} 2\n' in text
    assert f'{prefix}:queuing_latency_bucket{{thread_pool_name="",le="120"}}' in text
