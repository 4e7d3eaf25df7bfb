import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from serving.registry import RegistryError, Version, promote, prune, publish, rollback
from serving.registry.quarantining import quarantine
from tests.serving.registry.folders import MODEL, content, contract, incomplete, numbers, publish_version, write_version


def test_numbers_count_up_from_the_highest_ever_used(tmp_path: Path) -> None:
    publish_version(tmp_path)
    (tmp_path / MODEL / "7").mkdir()
    assert publish_version(tmp_path) == 8
    (tmp_path / MODEL / "8").rename(tmp_path / "away")

    assert publish_version(tmp_path) == 9
    assert numbers(tmp_path) == [1, 7, 9]


def test_negative_numbers_do_not_count(tmp_path: Path) -> None:
    (tmp_path / MODEL / "-3").mkdir(parents=True)

    assert publish_version(tmp_path) == 1


@pytest.mark.parametrize("record", ["", "many", str(2**63 - 1)])
def test_without_a_next_number_nothing_is_published_and_the_record_is_named(tmp_path: Path, record: str) -> None:
    (tmp_path / MODEL).mkdir()
    (tmp_path / MODEL / ".highest_version").write_text(record)

    with pytest.raises(RegistryError, match=f"{MODEL}/.highest_version: expected the highest number ever used"):
        publish_version(tmp_path)
    assert numbers(tmp_path) == []


def test_what_a_later_release_published_is_neither_replaced_nor_rolled_back_by_this_one(tmp_path: Path) -> None:
    publish_version(tmp_path)
    publish_version(tmp_path)
    later = contract().to_json().replace('"schema": 2', '"schema": 3', 1)
    publish_version(tmp_path, document=later)

    told = r"version 3 was published by a later release.* got 3: train the model again, or update this installation"
    for write in (publish_version, lambda models_dir: rollback(models_dir, MODEL)):
        with pytest.raises(RegistryError, match=told):
            write(tmp_path)
    assert numbers(tmp_path) == [1, 2, 3]
    quarantine(tmp_path, MODEL, 3)
    assert publish_version(tmp_path) == 4


def test_admission_is_asked_before_writing_and_again_only_if_the_live_version_changed(tmp_path: Path) -> None:
    publish_version(tmp_path)
    asked: list[Version | None] = []

    publish(tmp_path, MODEL, lambda folder: write_version(folder), asked.append)
    assert len(asked) == 1

    def write_while_another_publishes(folder: Path) -> None:
        publish_version(tmp_path, document=contract(value=0.99).to_json())
        write_version(folder)

    publish(tmp_path, MODEL, write_while_another_publishes, asked.append)
    assert [live.contract.evaluation["test"]["accuracy"] for live in asked if live and live.contract] == [
        0.9,
        0.9,
        0.99,
    ]


def test_what_is_not_admitted_is_not_even_written(tmp_path: Path) -> None:
    def refuse(live: Version | None) -> None:
        assert live is None
        raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        publish(tmp_path, MODEL, lambda folder: pytest.fail("written"), refuse)
    assert not (tmp_path / MODEL).exists()


def test_what_a_dead_process_left_is_cleared_and_what_a_live_one_writes_is_not(tmp_path: Path) -> None:
    (tmp_path / ".staging" / "left" / "content" / "version").mkdir(parents=True)

    def write_while_another_publishes(folder: Path) -> None:
        write_version(folder, "first")
        publish_version(tmp_path, "second")

    publish(tmp_path, MODEL, write_while_another_publishes)
    assert [content(tmp_path, number) for number in numbers(tmp_path)] == ["second", "first"]
    assert [path.name for path in (tmp_path / ".staging").iterdir()] == ["lock"]


@contextmanager
def watched(models_dir: Path) -> Iterator[None]:
    """Look without pause; fail if an incomplete version was ever seen."""
    found, stop, looks = [], threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            found.extend(incomplete(models_dir))
            looks.append(1)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert found == []
    assert len(looks) > 10


def test_many_writers_at_once_never_show_an_incomplete_version_nor_share_a_number(tmp_path: Path) -> None:
    publish_version(tmp_path, "0")
    given: list[int] = []

    def write(writer: int) -> None:
        for turn in range(6):
            given.append(publish_version(tmp_path, f"{writer}.{turn}"))
            if writer % 2:
                given.append(promote(tmp_path, MODEL, numbers(tmp_path)[-1]).version)
                prune(tmp_path, MODEL, keep=12)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    with watched(tmp_path):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(given) == list(range(2, 2 + 4 * 6 + 2 * 6))
    assert numbers(tmp_path)[-2:] == sorted(given)[-2:]
    assert incomplete(tmp_path) == []
