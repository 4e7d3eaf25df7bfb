"""Parts on their way to an object store: a real one, and one that does not answer."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from serving.captures import UnusableCaptures, read_captures
from serving.captures.delivery import Delivery
from serving.captures.keeping import Limits, prune
from tests.serving.captures.test_writer import Counted, taken
from tests.serving.fake_model_server import wait_until

PLACE = "memory://captured"


@pytest.fixture(autouse=True)
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("serving.captures.delivery._PAUSE_SECONDS", 0)
    return tmp_path


@pytest.fixture(autouse=True)
def memory() -> Iterator[MemoryFileSystem]:
    store = fsspec.filesystem("memory")
    yield store
    store.rm("/captured", recursive=True) if store.exists("/captured") else None


def parts(folder: Path) -> list[Path]:
    return list(folder.glob("plumbline-captures-*/house_price/captures/*/[!.]*"))


def ids(place: str) -> list[str]:
    return [capture.request_id for capture in read_captures(place, "house_price")]


def test_a_store_that_does_not_answer_gets_the_parts_later(spool: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*arguments: object, **options: object) -> None:
        raise ConnectionError("nobody answers")

    counted = Counted(PLACE, part_seconds=0.01)
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "put_file", broken)
        counted.writer.take(taken(request_id="first"))
        wait_until(lambda: len(parts(spool)) == 1)
        before = ids(PLACE)
    wait_until(lambda: ids(PLACE) == ["first"])
    counted.writer.close()

    assert before == []
    wait_until(lambda: parts(spool) == [])


def test_if_too_much_waits_for_the_store_captures_are_dropped(spool: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*arguments: object, **options: object) -> None:
        raise ConnectionError("nobody answers")

    monkeypatch.setattr("serving.captures.delivery.MOST_SPOOLED_BYTES", 0)
    monkeypatch.setattr(MemoryFileSystem, "put_file", broken)
    counted = Counted(PLACE, part_seconds=0.01)
    counted.writer.take(taken())
    wait_until(lambda: len(parts(spool)) == 1)
    counted.writer.take(taken())

    wait_until(lambda: counted.dropped["store"] == 1)
    counted.writer.close()


def test_whole_parts_of_a_killed_process_are_put_by_another(spool: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("serving.captures.delivery._OTHERS_SECONDS", -1)
    Counted(str(Delivery(PLACE).folder)).writer.close()  # a spool is a folder of captures
    left = Counted(str(Delivery(PLACE).folder))
    left.writer.take(taken(request_id="left"))
    left.writer.close()
    assert len(parts(spool)) == 1

    counted = Counted(PLACE)
    wait_until(lambda: ids(PLACE) == ["left"])
    counted.writer.close()
    assert parts(spool) == []


def test_a_spool_that_somebody_else_made_is_not_used(spool: Path):
    folder = Delivery(PLACE).folder
    folder.rmdir()
    folder.symlink_to(spool)

    with pytest.raises(UnusableCaptures, match="expected a folder of this user"):
        Delivery(PLACE)


def test_a_real_store_gets_parts_and_is_pruned(bucket: str):
    counted = Counted(bucket, part_seconds=0.01)
    counted.writer.take(taken(request_id="first"))
    wait_until(lambda: ids(bucket) == ["first"])
    counted.writer.take(taken(request_id="second"))
    counted.writer.close()

    assert ids(bucket) == ["first", "second"]
    assert prune(bucket, Limits(max_bytes=300)) == 1
    assert len(ids(bucket)) == 1
