import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from serving.monitoring import observations
from serving.monitoring.observations import Observations

BOUNDS = (0.1, 0.5, 2.0)
VALUES = st.lists(st.one_of(st.sampled_from(BOUNDS), st.floats(-1, 4)), max_size=40)


def histogram() -> Histogram:
    return Histogram("seconds", "Time.", ["model"], buckets=BOUNDS, registry=CollectorRegistry())


def samples(metric: Histogram) -> dict[tuple[str, str], float]:
    (family,) = metric.collect()
    return {
        (sample.name + sample.labels.get("le", ""), sample.labels["model"]): pytest.approx(sample.value)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@given(VALUES, VALUES)
def test_they_are_counted_as_if_they_were_observed_one_by_one(first: Sequence[float], second: Sequence[float]) -> None:
    one_by_one, together = histogram(), histogram()
    queue = Observations(together)
    for model, values in (("a", first), ("b", second), ("a", second)):
        for value in values:
            one_by_one.labels(model).observe(value)
            queue.add((model,), value)
    queue.flush()

    assert samples(together) == samples(one_by_one)


def test_none_is_lost_or_counted_twice_when_threads_add_and_flush() -> None:
    metric = histogram()
    queue = Observations(metric)

    def add() -> None:
        for _ in range(2000):
            queue.add(("a",), 0.25)
            queue.flush()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert samples(metric)["seconds_count", "a"] == 8000


def test_a_queue_that_nothing_flushes_stays_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "_MAX_PENDING", 10)
    metric = histogram()
    queue = Observations(metric)
    for _ in range(25):
        queue.add(("a",), 0.25)

    assert samples(metric)["seconds_count", "a"] == 22
