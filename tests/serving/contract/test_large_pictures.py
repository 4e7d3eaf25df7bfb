"""Large pictures that requests bring are decoded in a process of lower priority, as they are in this one."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

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


STARTS_ONE = """
import time
from serving.contract.large_pictures import LargePictures
large = LargePictures()
large._started()
print(large.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def budget() -> Iterator[DecodingBudget]:
    budget = DecodingBudget(10**8)
    yield budget
    budget._large.end()


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


def assert_reads(budget: DecodingBudget) -> None:
    with soon():
        assert faults_of(within(budget), [FILES["PNG"]]) == []


def pid_of(budget: DecodingBudget) -> int:
    assert budget._large.pid is not None
    return budget._large.pid


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
    with soon(), budget._turn, pytest.raises(TooManyPictures):
        within(budget).read([FILES["PNG"]], Faults())
    with soon(), budget.held(10**8), pytest.raises(TooManyPictures):
        within(budget).read([FILES["PNG"]], Faults())
    with soon():
        assert faults_of(within(budget), [FILES["PNG"]]) == []


@pytest.mark.usefixtures("develops_nothing")
def test_where_no_process_can_be_started_the_caller_may_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("subprocess.Popen", fail)
    with soon(), pytest.raises(TooManyPictures, match="try again later"):
        within(DecodingBudget(10**8)).read([FILES["PNG"]], Faults())


@pytest.mark.usefixtures("develops_nothing")
def test_where_no_thread_can_be_started_the_caller_may_try_again(
    budget: DecodingBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched, soon():
        patched.setattr("threading.Timer.start", fail)
        with pytest.raises(TooManyPictures):
            within(budget).read([FILES["PNG"]], Faults())
    assert_reads(budget)


@pytest.mark.usefixtures("develops_nothing")
def test_where_a_process_ends_before_it_has_started_the_caller_may_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with soon(), pytest.raises(TooManyPictures):
        within(DecodingBudget(10**8)).read([FILES["PNG"]], Faults())


@pytest.mark.usefixtures("develops_nothing")
def test_it_has_lower_priority_and_is_kept(budget: DecodingBudget) -> None:
    assert_reads(budget)
    pid = pid_of(budget)
    assert_reads(budget)
    assert pid_of(budget) == pid
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)


@pytest.mark.usefixtures("develops_nothing")
def test_one_that_was_killed_since_the_last_picture_is_replaced(budget: DecodingBudget) -> None:
    assert_reads(budget)
    pid = pid_of(budget)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert_reads(budget)
    assert pid_of(budget) != pid


@pytest.mark.usefixtures("develops_nothing")
def test_a_picture_at_which_the_process_ends_is_a_fault_and_the_next_is_read(budget: DecodingBudget) -> None:
    assert_reads(budget)
    pid = pid_of(budget)
    os.kill(pid, signal.SIGSTOP)
    killing = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killing.start()
    with soon():
        assert "the process that decodes it ended" in faults_of(within(budget), [FILES["PNG"]])[0]
    killing.join()
    assert_reads(budget)


@pytest.mark.usefixtures("develops_nothing")
def test_one_that_does_not_answer_by_the_deadline_is_replaced(budget: DecodingBudget) -> None:
    assert_reads(budget)
    pid = pid_of(budget)
    os.kill(pid, signal.SIGSTOP)
    with deadline.until(time.perf_counter() + 0.2), pytest.raises(DeadlinePassed):
        within(budget).read([FILES["PNG"]], Faults())
    assert not Path(f"/proc/{pid}").exists()
    assert_reads(budget)


def test_it_ends_with_the_process_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS_ONE], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
    ending = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < ending
        time.sleep(0.05)


@pytest.mark.parametrize("make", [lambda budget: Picture(8, 8), within], ids=["of training", "without deadline"])
def test_what_is_no_request_starts_no_process(make: Callable[[DecodingBudget], Picture]) -> None:
    budget = DecodingBudget(10**8)
    assert faults_of(make(budget), [FILES["PNG"]]) == []
    assert budget._large.pid is None
