"""`plumbline serve` with two workers that capture: into a real object store, and while workers are killed."""

import itertools
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest

from serving.captures import CAPTURES, PartName, read_captures
from serving.captures.keeping import take_up
from tests.serving.batch.conftest import Command
from tests.serving.contracts import tabular_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_serve import Running

HOUSE = '{"rooms": 5.0, "age": 30.0}'

Start = Callable[[str], Running]


@pytest.fixture
def start(model_server: FakeModelServer, tmp_path: Path) -> Iterator[Start]:
    started: list[Running] = []
    model_server.publish(tabular_contract())

    def start(place: str) -> Running:
        (tmp_path / "metrics").mkdir()
        more = {"MODELS": "house_price", "CAPTURE": place, "CAPTURE_PART_SECONDS": "1", "TMPDIR": str(tmp_path)}
        running = Running(model_server.address, tmp_path / "metrics", tmp_path / "log", **more)
        started.append(running)
        wait_until(running.ready)
        return running

    yield start
    for running in started:
        running.process.terminate()
        running.process.wait()


def ask(running: Running, request_id: str) -> int:
    headers = {"Content-Type": "application/json", "X-Request-ID": request_id}
    try:
        return running.ask("POST", "/predict/house_price", HOUSE, **headers)[0]
    except (OSError, HTTPException):  # of a worker that was killed
        return 0


@contextmanager
def asking(running: Running) -> Iterator[list[str]]:
    """Have four callers ask meanwhile; gives the ids of the requests that are answered."""
    numbers, over = itertools.count(), threading.Event()
    answered: list[str] = []

    def call() -> None:
        while not over.is_set():
            request_id = str(next(numbers))
            if ask(running, request_id) == 200:
                answered.append(request_id)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        yield answered
    finally:
        over.set()
        for caller in callers:
            caller.join()


def kill_workers(running: Running, answered: list[str], times: int) -> None:
    chance, killed = random.Random(1), set[int]()
    for _ in range(times):
        enough = len(answered) + chance.randrange(5, 100)
        wait_until(lambda enough=enough: len(answered) > enough)  # type: ignore[misc]
        victim = chance.choice(sorted({*running.workers()} - killed))
        killed.add(victim)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(running.workers()) >= 2 + len(killed))


def test_everything_is_in_the_store_when_the_gateway_has_ended_and_is_scored_there(
    bucket: str, start: Start, model_server: FakeModelServer, tmp_path: Path
):
    running = start(f"{bucket}/captures")
    sent = [str(number) for number in range(40)]
    statuses = {ask(running, request_id) for request_id in sent}
    running.process.terminate()
    running.process.wait()
    captures = list(read_captures(f"{bucket}/captures", "house_price"))
    scored = Command(model_server, tmp_path)(
        *(f"{bucket}/captures/house_price/captures", "--output", f"{bucket}/again.jsonl", "--id-column", "request_id"),
        model="house_price",
    )

    assert statuses == {200}
    assert sorted(capture.request_id for capture in captures) == sorted(sent)
    assert scored.exit_code == 0, scored.output
    assert "40" in scored.output


def test_killed_workers_lose_no_part_that_was_complete_and_nothing_of_others(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("serving.captures.keeping._LEFT_SECONDS", 0)
    place = tmp_path / "captures"
    running = start(str(place))
    with asking(running) as answered:
        kill_workers(running, answered, times=4)
    wait_until(running.ready)
    last = [f"last-{number}" for number in range(40)]
    statuses = {ask(running, request_id) for request_id in last}
    running.process.terminate()
    running.process.wait()
    shown = [path for path in place.glob("*/captures/*/*") if not path.name.startswith(".")]
    before = [capture.request_id for capture in read_captures(str(place), "house_price")]
    taken = take_up(place)
    after = [capture.request_id for capture in read_captures(str(place), "house_price")]

    assert statuses == {200}
    assert all(PartName.of(str(path)) for path in shown)
    assert set(last) < set(before) <= set(after)
    assert len(after) == len(set(after))
    assert len(taken) <= 4
    assert [*place.glob(f"*/{CAPTURES}/*/.*")] == []
