"""Large pictures that requests bring are decoded in a process of lower priority, as they are in this one."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from PIL import Image

from serving.contract import DecodingBudget, InstanceLimits, deadline, decoding_budget
from serving.contract.deadline import DeadlinePassed
from serving.contract.encoders import image
from serving.contract.encoders.image import Picture
from serving.contract.faults import Faults
from serving.errors import TooManyPictures
from tests.serving.contract.encoders.pictures import drawn, encoded, noise
from tests.serving.contract.encoders.reading import encode, faults_of

FILES = {
    "PNG": encoded(noise(100, 80)),
    "transparent PNG": encoded(drawn(100, 80, "RGBA")),
    "16-bit grey PNG": encoded(Image.new("I;16", (100, 80), 40_000)),
    "JPEG": encoded(noise(1000, 800), "JPEG"),
    "WebP": encoded(noise(100, 80), "WEBP"),
    "GIF": encoded(noise(100, 80).convert("P"), "GIF"),
}


@pytest.fixture(scope="module")
def budget() -> Iterator[DecodingBudget]:
    budget = DecodingBudget(10**8)
    yield budget
    if (executor := budget._process._executor) is not None:
        executor.shutdown(cancel_futures=True)


@pytest.fixture(autouse=True)
def every_picture_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "_LARGE_PIXELS", 1)


@pytest.fixture
def develops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each picture that this process develops fail the test."""

    def develop(*_: object) -> None:
        pytest.fail("a large picture was decoded in the process that answers requests")

    monkeypatch.setattr("serving.contract.encoders.developing.Developing.develop", develop)


def within(budget: DecodingBudget, size: int = 8) -> Picture:
    limits = InstanceLimits(text_characters=1, image_pixels=10**6, image_bytes=10**6, decoding=budget)
    return Picture(size, size).limited(limits)


def soon() -> AbstractContextManager[None]:
    """What a request has: a deadline."""
    return deadline.until(time.perf_counter() + 60)


@pytest.mark.parametrize("kind", FILES)
def test_a_large_picture_has_the_pixels_that_it_has_in_training(
    kind: str, budget: DecodingBudget, request: pytest.FixtureRequest
) -> None:
    trained = encode(Picture(8, 8), [FILES[kind]])
    request.getfixturevalue("develops_nothing")
    with soon():
        assert (encode(within(budget), [FILES[kind]]) == trained).all()


@pytest.mark.usefixtures("develops_nothing")
@pytest.mark.parametrize("kind", FILES)
def test_a_broken_one_is_a_fault(kind: str, budget: DecodingBudget) -> None:
    with soon():
        assert "0: expected a whole picture" in faults_of(within(budget), [FILES[kind][: len(FILES[kind]) // 2]])[0]


@pytest.mark.usefixtures("develops_nothing")
def test_the_deadline_holds_there(budget: DecodingBudget) -> None:
    with deadline.until(time.perf_counter() + 1e-3), pytest.raises(DeadlinePassed):
        within(budget).read([FILES["PNG"]] * 1000, Faults())


@pytest.mark.usefixtures("develops_nothing")
def test_one_is_decoded_at_a_time(budget: DecodingBudget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding_budget, "_WAIT_SECONDS", 0.0)
    with soon(), budget._apart, pytest.raises(TooManyPictures):
        within(budget).read([FILES["PNG"]], Faults())
    with soon(), budget.held(10**8), pytest.raises(TooManyPictures):
        within(budget).read([FILES["PNG"]], Faults())
    with soon():
        assert faults_of(within(budget), [FILES["PNG"]]) == []


@pytest.mark.usefixtures("develops_nothing")
def test_where_no_process_can_be_started_the_caller_may_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("serving.process.background.ProcessPoolExecutor", fail)
    with soon(), pytest.raises(TooManyPictures, match="try again later"):
        within(DecodingBudget(10**8)).read([FILES["PNG"]], Faults())


def test_a_picture_at_which_the_process_ends_is_a_fault_and_the_next_is_read(
    budget: DecodingBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, soon():
        patched.setattr(image, "_developed_until", _killed)
        assert "the process that decodes it ended" in faults_of(within(budget), [FILES["PNG"]])[0]
    with soon():
        assert faults_of(within(budget), [FILES["PNG"]]) == []


def _killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("make", [lambda budget: Picture(8, 8), within], ids=["of training", "without deadline"])
def test_what_is_no_request_starts_no_process(make: Callable[[DecodingBudget], Picture]) -> None:
    budget = DecodingBudget(10**8)
    assert faults_of(make(budget), [FILES["PNG"]]) == []
    assert budget._process._executor is None
