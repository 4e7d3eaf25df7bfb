"""The thread that writes captures: what it writes, what it drops, and what is left of it when it is killed."""

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.captures import Capture, read_captures
from serving.captures.keeping import Limits, prune, take_up
from serving.captures.open_part import OpenPart
from serving.captures.parts import CAPTURES, PartName
from serving.captures.record import Failure
from serving.captures.taken import Failed, LineMaker, Taken
from serving.captures.waiting import Waiting
from serving.captures.writer import Writer, WriterSettings
from serving.contract import Contract
from serving.errors import Fault
from tests.serving.captures.test_captures import CAPTURE, TIME, write
from tests.serving.contracts import tabular_contract, text_contract
from tests.serving.fake_model_server import wait_until

ROOT = Path(__file__).parents[3]
ROOMS = {"rooms": 5.0, "age": 30.0}
ANSWER = {"value": 20.0, "unit": "1000 USD"}


def taken(contract: Contract | None = None, **changes: Any) -> Taken:
    contract = contract or tabular_contract()
    usual = Taken(TIME, "a-1", contract.model, 3, 0.5, contract, [ROOMS], [ANSWER], None)
    return usual._replace(**changes)


def captured(request: Taken, key: bytes | None = None) -> list[Capture]:
    return [Capture.from_json(line) for line in LineMaker(key).lines(request)]


class Counted:
    """A writer to *folder* that counts."""

    def __init__(self, folder: Path | str, **settings: Any) -> None:
        self.written: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.writer = Writer(WriterSettings(str(folder), **settings), self._count, self._drop)

    def _count(self, model: str, count: int) -> None:
        self.written[model] += count

    def _drop(self, model: str, reason: str, count: int) -> None:
        self.dropped[reason] += count


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Counted]:
    counted = Counted(tmp_path)
    yield counted
    counted.writer.close()


def test_a_request_becomes_a_line_for_each_instance():
    instances = [ROOMS, {"rooms": 6.0, "age": None}]
    captures = captured(taken(instances=instances, answers=[ANSWER, {"value": 7.0}]))

    first = Capture(
        time=TIME, request_id="a-1", index=0, model="house_price", version=3, instance=ROOMS, answer=ANSWER, share=0.5
    )
    assert captures == [first, replace(first, index=1, instance=instances[1], answer={"value": 7.0})]


def test_a_time_of_a_whole_second_is_read_as_well():
    second = TIME.replace(microsecond=0)

    assert [capture.time for capture in captured(taken(time=second))] == [second]


def test_of_a_failed_request_each_instance_tells_what_was_wrong_with_it():
    faults = [Fault(1, ("rooms",), "a number", "'x'"), Fault(1, ("age",), "a number", "nothing")]
    failed = Failed(422, "invalid_instance", "house_price: instance 1 ...", faults)
    captures = captured(taken(instances=[ROOMS, {"rooms": "x"}], answers=(), failed=failed, version=None))

    detail = "rooms: expected a number, got 'x'; age: expected a number, got nothing"
    assert [capture.error for capture in captures] == [
        Failure(code="invalid_instance", detail=""),
        Failure(code="invalid_instance", detail=detail),
    ]
    assert [capture.status for capture in captures] == [422, 422]


def test_what_may_not_be_kept_is_dropped_or_hashed_by_a_key():
    contract = replace(tabular_contract(), capture={"rooms": "hash", "age": "drop"})
    same = [{"rooms": 5.0, "age": 1.0, "other": "a"}, {"age": 2.0, "rooms": 5.0}, {"rooms": 6.0}, {"rooms": None}, "a"]
    request = taken(contract, instances=same, answers=[ANSWER] * 5)
    first, second, third, missing, none = [capture.instance for capture in captured(request, b"k" * 16)]

    assert first == second == {"rooms": first["rooms"]}
    assert first["rooms"].startswith("hmac-sha256:")
    assert len(first["rooms"]) == len("hmac-sha256:") + 64
    assert third["rooms"] != first["rooms"] != captured(request, b"other key")[0].instance["rooms"]
    assert (missing, none) == ({"rooms": None}, None)
    assert [capture.instance for capture in captured(request)] == [{}, {}, {}, {"rooms": None}, None]


def test_a_picture_that_came_as_a_file_is_kept_as_json_has_it():
    contract = replace(text_contract(), capture={"text": "keep"})

    assert captured(taken(contract, instances=[{"text": b"\xff\x00"}]))[0].instance == {"text": "/wA="}


def test_a_part_can_be_read_once_it_is_closed(tmp_path: Path, counted: Counted):
    counted.writer.take(taken())
    wait_until(lambda: counted.written["house_price"] == 1)
    (open_part,) = tmp_path.glob("house_price/captures/2026-11-29/*")
    before = list(read_captures(str(tmp_path), "house_price"))
    counted.writer.close()

    assert open_part.name.startswith(".101112-")
    assert before == []
    assert [capture.instance for capture in read_captures(str(tmp_path), "house_price")] == [ROOMS]
    assert counted.dropped == dict.fromkeys(("queue", "disk", "store", "value"), 0)


def test_a_part_is_closed_when_its_time_is_over(tmp_path: Path):
    counted = Counted(tmp_path, part_seconds=0.01)
    counted.writer.take(taken())

    wait_until(lambda: len(list(read_captures(str(tmp_path), "house_price"))) == 1)
    counted.writer.close()


def test_what_finds_no_place_to_wait_is_dropped_and_counted(tmp_path: Path):
    counted = Counted(tmp_path, most_bytes=500)
    counted.writer._waiting.take_all = lambda: {}  # type: ignore[method-assign] - a thread that is slow
    for _ in range(5):
        counted.writer.take(taken())

    assert counted.dropped == {"queue": 3}
    counted.writer.close()


def test_the_bytes_that_wait_are_bounded_but_a_large_request_alone_is_taken():
    woken = threading.Event()
    waiting = Waiting(woken, most_bytes=1500)

    assert [waiting.put(("house_price", CAPTURES), TIME, bytes(size), 3) for size in (2000, 1)] == [True, False]
    assert woken.is_set()
    (lines,) = waiting.take_all().values()
    assert (lines.time, len(lines.data), lines.number) == (TIME, 2000, 3)
    assert waiting.put(("house_price", CAPTURES), TIME, bytes(1), 1)


def test_a_full_disk_costs_what_comes_meanwhile_and_nothing_else(
    tmp_path: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
):
    counted.writer.take(taken(request_id="before"))
    wait_until(lambda: counted.written["house_price"] == 1)
    real = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        real(descriptor, data[: len(data) // 2], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    counted.writer.take(taken(request_id="meanwhile"))
    wait_until(lambda: counted.dropped["disk"] == 1)
    monkeypatch.setattr(os, "pwrite", real)
    counted.writer.take(taken(request_id="after"))
    wait_until(lambda: counted.written["house_price"] == 2)
    counted.writer.close()
    monkeypatch.setattr("serving.captures.keeping._LEFT_SECONDS", 0)
    taken_up = take_up(tmp_path)

    assert len(taken_up) == 1
    assert [capture.request_id for capture in read_captures(str(tmp_path), "house_price")] == ["before", "after"]


def test_captures_of_a_part_that_somebody_removed_are_counted(tmp_path: Path, counted: Counted):
    counted.writer.take(taken())
    wait_until(lambda: counted.written["house_price"] == 1)
    shutil.rmtree(tmp_path / "house_price")
    counted.writer.close()

    assert counted.dropped["disk"] == 1


def test_a_value_that_json_has_not_is_counted(tmp_path: Path, counted: Counted):
    counted.writer.take(taken(instances=[{"rooms": object()}]))

    wait_until(lambda: counted.dropped["value"] == 1)


_KILLED = """
import sys
import threading
from pathlib import Path
from tests.serving.captures.test_writer import Counted, taken
counted = Counted(Path(sys.argv[1]))
for number in range(10 ** 9):
    counted.writer.take(taken(request_id=str(number), instances=[{"rooms": number, "age": 1}] * 20, answers=[{}] * 20))
"""


def test_what_a_killed_process_had_written_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("serving.captures.keeping._LEFT_SECONDS", 0)
    command = [sys.executable, "-c", _KILLED, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_until(lambda: any(path.stat().st_size for path in tmp_path.glob("*/captures/*/.*")))
            while_it_lives = take_up(tmp_path)
        finally:
            process.kill()
    after = take_up(tmp_path)
    numbers = [int(capture.request_id) for capture in read_captures(str(tmp_path), "house_price")]

    assert while_it_lives == []
    assert len(after) == 1
    assert numbers[:41] == [number for number in (0, 1) for _ in range(20)] + [2]
    assert list(tmp_path.glob("*/captures/*/.*")) == []


def test_a_part_that_was_cut_off_is_completed_by_its_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("serving.captures.keeping._LEFT_SECONDS", 0)
    for cut in (0, 7, 10**6):
        part = OpenPart(tmp_path, PartName.new("sentiment", CAPTURES, TIME))
        part.add(f"{CAPTURE.to_json()}\n".encode(), 1)
        part.add(f"{replace(CAPTURE, index=1).to_json()}\n".encode(), 1)
        os.ftruncate(part._file, max(part.size - cut, 0))
        os.close(part._file)

    assert len(take_up(tmp_path)) == 2
    assert [capture.index for capture in read_captures(str(tmp_path), "sentiment")] == [0, 1, 0]


def test_parts_are_removed_by_age_and_the_oldest_by_size(tmp_path: Path):
    paths = [write(tmp_path, TIME - timedelta(days=day), CAPTURE) for day in range(5)]
    size = paths[0].stat().st_size
    other = tmp_path / "sentiment" / "captures" / "2026-11-25" / "notes.txt"
    other.write_text("a" * 1000)

    assert prune(str(tmp_path), Limits(timedelta(days=3, hours=1)), TIME) == 1
    assert prune(str(tmp_path), Limits(max_bytes=size * 2 + 10), TIME) == 2
    assert [path.exists() for path in paths] == [True, True, False, False, False]
    assert other.exists()
    assert not paths[3].parent.exists()
    assert prune(str(tmp_path / "none"), Limits()) == 0
