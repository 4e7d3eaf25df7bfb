"""A version whose files are not those that were published is told; one of before there were manifests is taken."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.registry import promote
from serving.registry.checking import why_unloadable
from serving.registry.errors import DamagedVersion
from serving.registry.integrity import MANIFEST, FileFacts, check_version, read_manifest
from serving.runtime.engine import load_engine
from serving.runtime.errors import ServingError
from tests.serving.registry.folders import MODEL, publish_version


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return tmp_path / MODEL / str(publish_version(tmp_path, "weights"))


def test_publishing_writes_size_and_digest_of_every_file(version: Path) -> None:
    document = json.loads((version / MANIFEST).read_text("utf-8"))

    assert document["schema"] == 1
    assert [*document["files"]] == ["saved_model.pb", "assets.extra/contract.json", "variables/data"]
    assert document["files"]["variables/data"] == {"bytes": 7, "sha256": hashlib.sha256(b"weights").hexdigest()}
    assert (read_manifest(version) or {})["saved_model.pb"] == FileFacts(7, hashlib.sha256(b"weights").hexdigest())
    assert check_version(version)


def rewrite(version: Path, **members: object) -> None:
    (version / MANIFEST).write_text(json.dumps(json.loads((version / MANIFEST).read_text()) | members))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (
        lambda version: (version / "variables/data").write_text("weigh"),
        "variables/data: expected 7 bytes with SHA-256 9a129038d9a0..., as assets.extra/manifest.json has it, got 5 b",
    ),
    "one byte is another": (
        lambda version: (version / "variables/data").write_text("weightz"),
        "variables/data: expected 7 bytes with SHA-256 9a129038d9a0..., as assets.extra/manifest.json has it, got 7 b",
    ),
    "gone": (
        lambda version: (version / "variables/data").unlink(),
        "variables/data: expected this file, which assets.extra/manifest.json lists, got none",
    ),
    "one more": (
        lambda version: (version / "variables/more").touch(),
        "variables/more: expected only files that assets.extra/manifest.json lists",
    ),
    "a folder": (
        lambda version: ((version / "variables/data").unlink(), (version / "variables/data").mkdir()),
        "variables/data: expected this file",
    ),
    "a linked folder": (
        lambda version: (version / "more").symlink_to(version / "variables"),
        "more: expected only files that assets.extra/manifest.json lists",
    ),
    "no manifest": (lambda version: (version / MANIFEST).write_text("[1"), f"{MANIFEST}: Expecting"),
    "another schema": (lambda version: rewrite(version, schema=2), f"{MANIFEST}: schema: expected 1, got 2: update"),
    "no list of files": (lambda version: rewrite(version, files=[]), f"{MANIFEST}: files: expected an object, got []"),
    "a file of nothing": (
        lambda version: rewrite(version, files={"a": {}}),
        f"{MANIFEST}: bytes: expected a whole number, got nothing",
    ),
    "a file elsewhere": (
        lambda version: rewrite(version, files={"../../x": {"bytes": 1, "sha256": "a"}}),
        "saved_model.pb: expected only files",
    ),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES)
def test_a_changed_version_is_refused_before_it_is_loaded(
    version: Path, change: Callable[[Path], object], told: str
) -> None:
    change(version)

    with pytest.raises(DamagedVersion) as raised:
        check_version(version)
    with pytest.raises(ServingError, match="DATA_LOSS"):
        load_engine(version, 1)
    assert str(raised.value).startswith(told)


def test_hidden_files_are_nobodys_business(version: Path) -> None:
    (version / "variables" / ".nfs0001").touch()

    assert check_version(version)


def test_older_versions_have_no_manifest_and_are_taken(version: Path) -> None:
    (version / MANIFEST).unlink()
    (version / "variables/data").write_text("others")

    assert read_manifest(version) is None
    assert not check_version(version)


def test_a_promoted_copy_keeps_the_manifest_of_its_original(tmp_path: Path, version: Path) -> None:
    promote(tmp_path, MODEL, 1)

    assert check_version(tmp_path / MODEL / "2")
    assert (tmp_path / MODEL / "2" / MANIFEST).read_bytes() == (version / MANIFEST).read_bytes()


def test_the_check_of_a_folder_tells_it(version: Path) -> None:
    (version / "variables/more").touch()
    (version / "saved_model.pb").write_bytes(b"\x12\x09\x0a\x07\x22\x05serve")  # the least that is a graph
    (version / MANIFEST).write_text(
        json.dumps({"schema": 1, "files": {"saved_model.pb": {"bytes": 11, "sha256": "of another"}}})
    )

    assert why_unloadable(version) == (
        "saved_model.pb: expected 11 bytes with SHA-256 of another..., as assets.extra/manifest.json has it, got "
        "11 bytes with SHA-256 c818ef8f6971..."
    )
