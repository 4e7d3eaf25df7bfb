"""Shadows: what is sent, what is dropped and why, and that nothing of it is waited for."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from serving.catalog import Catalog
from serving.contract.arrays import Features
from serving.contract.differences import Difference
from serving.errors import ModelServerError
from serving.prediction import shadow_queue
from serving.prediction.predictor import Prediction, Predictor
from serving.prediction.shadowing import Shadows
from serving.tfserving.client import ModelServerClient
from tests.serving.contracts import tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until

TEXTS = [{"text": "a good film"}, {"text": "bad"}]


@dataclass
class Heard:
    """An observer that remembers."""

    counts: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    seconds: list[tuple[float, float]] = field(default_factory=list)

    def dropped(self, model: str, version: int, reason: str) -> None:
        self.counts[model, version, reason] += 1

    def ended(self, model: str, version: int, outcome: str) -> None:
        self.counts[model, version, outcome] += 1

    def compared(self, model: str, version: int, differences: Sequence[Difference], *seconds: float) -> None:
        self.differences.extend(differences)
        self.seconds.append(seconds)  # type: ignore[arg-type]


class Runner:
    """Computes aside what *client* computes, or does what a test wants instead."""

    def __init__(self, client: ModelServerClient) -> None:
        self._client = client
        self.instead: Callable[[], Any] | None = None
        self.begun = threading.Event()

    def predict(self, model: str, version: int, features: Features, seconds: float) -> Any:
        self.begun.set()
        return self.instead() if self.instead else self._client.predict(model, version, features, seconds)


@pytest.fixture
def catalog(client: ModelServerClient, model_server: FakeModelServer) -> Catalog:
    for version in (1, 2):
        model_server.publish(text_contract(weights=version), version, weights=version)
    catalog = Catalog(client, ["sentiment", "house_price"])
    catalog.refresh("sentiment")
    return catalog


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def runner(client: ModelServerClient) -> Runner:
    return Runner(client)


@pytest.fixture
def shadowing(catalog: Catalog, runner: Runner, heard: Heard) -> Iterator[Callable[..., Shadows]]:
    made = []

    def make(shares: Any = None, seconds: float = 20.0, **options: Any) -> Shadows:
        made.append(Shadows(shares or {"sentiment": {2: 100.0}}, catalog, runner, heard, seconds, **options))
        return made[-1]

    yield make
    for shadows in made:
        shadows.close()


@pytest.fixture
def answered(catalog: Catalog, client: ModelServerClient) -> Prediction:
    return Predictor(catalog, client).predict("sentiment", TEXTS, 20, version=1)


Make = Callable[..., Shadows]


def test_the_shadow_is_compared_with_the_answers_that_were_sent(
    shadowing: Make, answered: Prediction, heard: Heard
) -> None:
    shadows = shadowing()

    shadows.offer(answered, 2, TEXTS, 10)

    wait_until(lambda: bool(heard.counts))
    assert heard.counts == {("sentiment", 2, "compared"): 1}
    assert [each.differ for each in heard.differences] == [True, False]
    assert [each.distance for each in heard.differences] == [
        pytest.approx(0.853, abs=1e-3),
        pytest.approx(0.127, abs=1e-3),
    ]
    ((seconds, first_seconds),) = heard.seconds
    assert seconds > 0
    assert first_seconds == pytest.approx(sum(answered.stage_seconds.values()) - answered.stage_seconds["queue"])


def test_its_share_of_the_requests_that_another_version_answered_is_drawn(
    shadowing: Make, answered: Prediction, catalog: Catalog, client: ModelServerClient
) -> None:
    by_itself = Predictor(catalog, client).predict("sentiment", TEXTS, 20, version=2)
    shadows = shadowing({"sentiment": {2: 20.0}})

    drawn = Counter(shadows.drawn(answered) for _ in range(10_000))

    assert drawn.keys() == {2, None}
    assert 1800 < drawn[2] < 2200  # five standard deviations
    assert {shadows.drawn(by_itself) for _ in range(100)} == {None}
    assert {shadowing({"sentiment": {2: 0.0}}).drawn(answered) for _ in range(100)} == {None}
    assert {shadowing({"house_price": {2: 100.0}}).drawn(answered) for _ in range(100)} == {None}


def test_while_requests_need_the_process_none_begins_and_what_waits_too_long_is_dropped(
    shadowing: Make, answered: Prediction, heard: Heard, runner: Runner
) -> None:
    busy = threading.Event()
    busy.set()
    patient = shadowing(is_busy=busy.is_set)
    hasty = shadowing(seconds=0.01, is_busy=busy.is_set)

    patient.offer(answered, 2, TEXTS, 10)
    hasty.offer(answered, 2, TEXTS, 10)

    wait_until(lambda: bool(heard.counts))
    assert heard.counts in ({("sentiment", 2, "busy"): 1}, {("sentiment", 2, "late"): 1})
    assert not runner.begun.is_set()
    busy.clear()
    wait_until(lambda: heard.counts["sentiment", 2, "compared"] == 1)


def test_a_shadow_that_hangs_keeps_the_others_waiting_and_those_beyond_the_queue_are_dropped(
    shadowing: Make, answered: Prediction, heard: Heard, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow_queue, "MAX_WAITING", 3)
    finish = threading.Event()
    runner.instead = lambda: finish.wait(30)
    shadows = shadowing()
    shadows.offer(answered, 2, TEXTS, 10)
    assert runner.begun.wait(20)

    for _ in range(5):
        shadows.offer(answered, 2, TEXTS, 10)

    assert heard.counts == {("sentiment", 2, "queue_full"): 2}
    finish.set()


def test_little_memory_is_kept_for_what_waits(
    shadowing: Make, answered: Prediction, heard: Heard, runner: Runner
) -> None:
    finish = threading.Event()
    runner.instead = lambda: finish.wait(30)
    shadows = shadowing()
    shadows.offer(answered, 2, TEXTS, 10)
    assert runner.begun.wait(20)

    for _ in range(2):
        shadows.offer(answered, 2, TEXTS, shadow_queue.MAX_WAITING_BYTES - 1)

    assert heard.counts == {("sentiment", 2, "queue_full"): 1}
    finish.set()


def test_a_version_that_is_not_live_is_passed_over(shadowing: Make, answered: Prediction, heard: Heard) -> None:
    shadowing().offer(answered, 3, TEXTS, 10)

    assert heard.counts == {("sentiment", 3, "not_live"): 1}


def test_a_bug_in_what_is_counted_does_not_reach_the_request(
    shadowing: Make, answered: Prediction, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*facts: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(heard, "dropped", fail)

    shadowing().offer(answered, 3, TEXTS, 10)

    assert not heard.counts


def test_a_shadow_that_fails_or_has_a_bug_is_counted_and_told_of_once(
    shadowing: Make, answered: Prediction, heard: Heard, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ModelServerError("sentiment", "no such tensor")

    runner.instead = fail
    shadows = shadowing()
    for _ in range(3):
        shadows.offer(answered, 2, TEXTS, 10)
    wait_until(lambda: heard.counts["sentiment", 2, "failed"] == 3)
    assert [record.getMessage() for record in caplog.records] == [
        "sentiment: a shadow of version 2 failed; more such are only counted: sentiment: no such tensor"
    ]

    runner.instead = lambda: 1 / 0
    shadows.offer(answered, 2, TEXTS, 10)
    wait_until(lambda: heard.counts["sentiment", 2, "failed"] == 4)
    runner.instead = None
    shadows.offer(answered, 2, TEXTS, 10)
    wait_until(lambda: heard.counts["sentiment", 2, "compared"] == 1)


def test_instances_that_only_the_shadow_refuses_are_told_apart_from_failures(
    shadowing: Make, heard: Heard, catalog: Catalog, client: ModelServerClient, model_server: FakeModelServer
) -> None:
    model_server.publish(tabular_contract(missing="mean"), 1)
    model_server.publish(tabular_contract(), 2)
    instances = [{"rooms": 1.0, "age": None}]
    answered = Predictor(catalog, client).predict("house_price", instances, 20, version=1)

    shadowing({"house_price": {2: 100.0}}).offer(answered, 2, instances, 10)

    wait_until(lambda: bool(heard.counts))
    assert heard.counts == {("house_price", 2, "rejected"): 1}
