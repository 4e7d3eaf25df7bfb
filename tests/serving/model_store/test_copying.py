from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest

from serving.model_store import Copied, StoreError, copy, place_of
from serving.registry import promote, prune
from serving.registry.integrity import write_manifest
from serving.registry.quarantining import quarantine
from tests.serving.registry.folders import (
    FILES,
    MODEL,
    content,
    numbers,
    publish_version,
    without_manifest,
    write_version,
)

GRAPH = b"\x12\x09\x0a\x07\x22\x05serve"
"""A SavedModel that has one graph, with its tag, and nothing in it."""


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """Versions 2 and 3 of one model; 1 was removed."""
    for each in "abc":
        publish_version(tmp_path / "models", each)
    prune(tmp_path / "models", MODEL, 2)
    return tmp_path / "models"


def copied(source: object, target: object, **options: object) -> list[Copied]:
    return list(copy(place_of(str(source)), place_of(str(target)), **options))  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("way", ["folder", "memory"])
def test_what_is_copied_there_and_back_is_the_same_and_goes_on_with_its_numbers(
    models_dir: Path, memory: str, way: str
) -> None:
    there = str(models_dir.parent / "backup") if way == "folder" else memory
    promote(models_dir, MODEL, 2)
    back = models_dir.parent / "back"

    assert copied(models_dir, there) == [Copied(MODEL, [2, 3, 4])]
    assert copied(models_dir, there) == [Copied(MODEL, [], [2, 3, 4])]
    assert copied(there, back) == [Copied(MODEL, [2, 3, 4])]
    for number in (2, 3, 4):
        assert files(back / MODEL / str(number)) == files(models_dir / MODEL / str(number))
    assert publish_version(back) == 5


def test_a_number_stays_used_though_its_version_is_gone(models_dir: Path, memory: str) -> None:
    copied(models_dir, memory)
    place_of(memory).remove(MODEL, 3)
    copied(memory, models_dir.parent / "back")

    assert numbers(models_dir.parent / "back") == [2]
    assert publish_version(models_dir.parent / "back") == 4


def test_the_newest_are_copied_and_a_mirror_loses_those_that_are_gone(models_dir: Path, memory: str) -> None:
    copied(models_dir, memory)
    publish_version(models_dir, "d")

    assert copied(models_dir, memory, newest=2, mirror=True) == [Copied(MODEL, [4], [3], [2])]
    assert place_of(memory).numbers(MODEL) == [3, 4]
    assert not [path for path in fsspec.filesystem("memory").find(memory) if "/2/" in path]


def test_a_mirror_of_nothing_removes_nothing(models_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="there is no model to copy"):
        copied(tmp_path / "empty", models_dir, mirror=True)

    assert numbers(models_dir) == [2, 3]


def test_what_was_quarantined_is_not_brought_back(models_dir: Path, memory: str) -> None:
    copied(models_dir, memory)
    quarantine(models_dir, MODEL, 3)

    assert copied(memory, models_dir) == [Copied(MODEL, [], [2])]


def test_another_version_of_the_number_is_left_as_it_is(models_dir: Path, memory: str) -> None:
    copied(models_dir, memory)
    other = models_dir.parent / "other"
    for each in "axc":
        publish_version(other, each)

    (done,) = copied(other, memory)
    assert (done.copied, done.there) == ([1], [3])
    assert len(done.problems) == 1
    assert "version 2: another version has this number in memory://" in done.problems[0]
    copied(memory, models_dir.parent / "back")
    assert content(models_dir.parent / "back", 2) == "b"


def test_a_version_that_its_manifest_does_not_describe_is_left_out(models_dir: Path, memory: str) -> None:
    (models_dir / MODEL / "2" / "variables" / "data").write_text("B")

    (done,) = copied(models_dir, memory)
    assert done.copied == [3]
    assert done.problems[0].startswith("house_price: version 2: variables/data: expected 1 bytes with SHA-256")


@pytest.mark.parametrize(
    ("name", "damaged", "problem"),
    [
        ("saved_model.pb", b"cut", "saved_model.pb: expected a SavedModel, got 3 bytes that are damaged or cut off"),
        ("variables/variables.index", b"cut", "variables/variables.index is damaged or cut off"),
        ("assets.extra/contract.json", None, "contract.json: No such file or directory"),
        ("assets.extra/contract.json", b"{", "assets.extra/contract.json: Expecting property name"),
    ],
)
def test_a_version_without_a_manifest_is_copied_only_whole(
    models_dir: Path, memory: str, name: str, damaged: bytes | None, problem: str
) -> None:
    for number in (2, 3):
        (without_manifest(models_dir / MODEL / str(number)) / "saved_model.pb").write_bytes(GRAPH)
    file = models_dir / MODEL / "2" / name
    file.unlink(missing_ok=True)
    if damaged is not None:
        file.write_bytes(damaged)

    (done,) = copied(models_dir, memory)

    assert done.copied == [3]
    assert done.problems[0].startswith(f"house_price: version 2: {problem}")
    assert done.problems[0].endswith("; it has no manifest, and is not whole")


def test_a_file_that_was_changed_in_the_store_is_never_in_a_folder(models_dir: Path, memory: str) -> None:
    copied(models_dir, memory)
    fsspec.filesystem("memory").pipe_file(f"{memory}/{MODEL}/3/variables/data", b"C")

    (done,) = copied(memory, models_dir.parent / "back")
    assert done.copied == [2]
    assert "version 3: variables/data: expected 1 bytes with SHA-256 2e7d2c03a950..., got" in done.problems[0]
    assert numbers(models_dir.parent / "back") == [2]


@pytest.mark.parametrize("path", ["../3/data", "/etc/passwd", "a/../../b", "a\\b", "", "."])
def test_a_record_that_leads_out_of_the_folder_is_refused(models_dir: Path, memory: str, path: str) -> None:
    copied(models_dir, memory)
    store = fsspec.filesystem("memory")
    newest = max(store.find(f"{memory}/{MODEL}/.records"))
    store.pipe_file(newest, store.cat_file(newest).replace(b"variables/data", path.replace("\\", "\\\\").encode()))

    with pytest.raises(StoreError, match=r"json: expected (printable paths|paths below a version's folder), got"):
        copied(memory, models_dir.parent / "back")


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"schema": 2}', b'{"schema": 1, "highest": "3", "versions": {}}', b"[" * 10_000]
)
def test_a_damaged_record_is_refused(models_dir: Path, memory: str, document: bytes) -> None:
    copied(models_dir, memory)
    fsspec.filesystem("memory").pipe_file(f"{memory}/{MODEL}/.records/000000000099.json", document)

    with pytest.raises(StoreError, match=r"000000000099.json: "):
        copied(memory, models_dir.parent / "back")


def test_an_upload_that_was_killed_is_not_read_and_is_finished_by_the_next(models_dir: Path, memory: str) -> None:
    def killed(path: str, target: Path) -> None:
        if path == "variables/data":
            raise KeyboardInterrupt
        source.fetch(MODEL, 3, path, target)

    source, target = place_of(str(models_dir)), place_of(memory)
    with pytest.raises(KeyboardInterrupt):
        target.add(MODEL, 3, source.files(MODEL, 3), killed)

    assert target.numbers(MODEL) == []
    assert copied(models_dir, memory) == [Copied(MODEL, [2, 3])]


def test_a_look_at_what_is_unchanged_asks_once_for_the_models_and_once_for_each(
    models_dir: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(models_dir, memory)
    source, target = place_of(memory), place_of(str(models_dir))
    list(copy(source, target, mirror=True))
    asked: list[str] = []
    for name in ("ls", "size", "cat_file", "exists", "get_file"):
        monkeypatch.setattr(fsspec.filesystem("memory"), name, counting(name, asked))

    assert list(copy(source, target, mirror=True)) == [Copied(MODEL, [], [2, 3])]
    assert asked == ["ls", "ls"]


def counting(name: str, asked: list[str]) -> Callable[..., Any]:
    method = getattr(fsspec.filesystem("memory"), name)

    def counted(*arguments: Any, **options: Any) -> Any:
        asked.append(name)
        return method(*arguments, **options)

    return counted


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("memory://nothing/there", "memory://nothing/there: there is no model to copy"),
        ("gopher://bucket/models", "Protocol not known: gopher"),
        ("nowhere", "nowhere: there is no model to copy"),
        (__file__, "expected a folder or a URL, got a file"),
    ],
)
def test_a_source_that_can_t_be_read_says_why(tmp_path: Path, url: str, problem: str) -> None:
    with pytest.raises(StoreError, match=problem):
        copied(url, tmp_path / "models")


def test_a_real_s3_server_has_what_was_copied_whole_and_only_then(models_dir: Path, bucket: str) -> None:
    large = models_dir / MODEL / "3" / "variables" / "data"
    large.write_bytes(bytes(6_000_000))
    write_manifest(models_dir / MODEL / "3")

    assert copied(models_dir, bucket) == [Copied(MODEL, [2, 3])]
    assert copied(bucket, models_dir.parent / "back") == [Copied(MODEL, [2, 3])]
    assert files(models_dir.parent / "back" / MODEL / "3") == files(models_dir / MODEL / "3")
    place_of(bucket).remove(MODEL, 2)
    assert copied(bucket, models_dir.parent / "back", mirror=True) == [Copied(MODEL, [], [3], [2])]


def test_of_writers_that_race_in_a_real_s3_server_none_loses_its_version(tmp_path: Path, bucket: str) -> None:
    """Each has a version of its own number, and one has another version 1."""
    folders = [tmp_path / name for name in "abc"]
    for number, folder in enumerate(folders, 1):
        write_version(folder / MODEL / str(number), folder.name)
        write_manifest(folder / MODEL / str(number))
    write_version(tmp_path / "rival" / MODEL / "1", "rival")
    write_manifest(tmp_path / "rival" / MODEL / "1")

    with ThreadPoolExecutor(4) as pool:
        done = [each for (each,) in pool.map(lambda folder: copied(folder, bucket), [*folders, tmp_path / "rival"])]

    assert place_of(bucket).numbers(MODEL) == [1, 2, 3]
    assert sorted(number for each in done for number in each.copied) == [1, 2, 3]
    assert sum(bool(each.problems) for each in done) == 1
    copied(bucket, tmp_path / "back")
    winner = "a" if done[0].copied else "rival"
    assert [content(tmp_path / "back", number) for number in (1, 2, 3)] == [winner, "b", "c"]


def test_a_file_that_vanished_from_a_real_s3_server_costs_its_version_alone(models_dir: Path, bucket: str) -> None:
    copied(models_dir, bucket)
    fsspec.filesystem("s3").rm(f"{bucket}/{MODEL}/2/{FILES[0]}")

    (done,) = copied(bucket, models_dir.parent / "back")
    assert done.copied == [3]
    assert done.problems == ["house_price: version 2: saved_model.pb: expected a file, got none"]


def test_a_real_s3_server_that_refuses_or_is_away_is_named_with_what_it_says(
    models_dir: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.filesystem("s3").clear_instance_cache()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError, match=rf"{bucket}: The request signature we calculated"):
        copied(models_dir, bucket)

    fsspec.filesystem("s3").clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreError, match=rf"{bucket}: Could not connect to the endpoint URL"):
        copied(models_dir, bucket)
