import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.catalog.weights import ModelWeights
from serving.catalog.weights_file import WeightsFile


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_text("sentiment=4\n")
    return path


def put(path: Path, content: bytes) -> None:
    aside = path.with_name("aside")
    aside.write_bytes(content)
    aside.replace(path)


@pytest.mark.parametrize("content", [b"sentiment=four\n", b"\xff\xfe", b"#" * 70_000, None])
def test_the_last_good_document_stays_in_force(
    document: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    file = WeightsFile(document)
    document.unlink() if content is None else put(document, content)
    for _ in range(3):
        file.look()
    assert (file.weights, file.is_usable) == ({"sentiment": ModelWeights(4)}, False)
    (told,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "the last good one stays in force: " in told.getMessage()
    put(document, b"sentiment=5\n")
    file.look()
    assert (file.weights, file.is_usable) == ({"sentiment": ModelWeights(5)}, True)


def test_without_any_good_document_there_are_no_weights(document: Path) -> None:
    put(document, b"sentiment")
    assert WeightsFile(document).weights is None


def test_a_mounted_document_that_is_swapped_by_a_link_is_followed(tmp_path: Path) -> None:
    """As Kubernetes changes a ConfigMap; with the same size and time."""
    for name, version in (("one", 4), ("two", 5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(f"sentiment={version}\n")
        os.utime(tmp_path / name / "weights", (1, 1))
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "weights").symlink_to("..data/weights")
    file = WeightsFile(tmp_path / "weights")
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").replace(tmp_path / "..data")
    file.look()
    assert file.weights == {"sentiment": ModelWeights(5)}


def test_a_share_ends_though_the_file_stays(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    put(document, f"sentiment=4\nsentiment:5=20 until={until.isoformat()}\n".encode())
    file = WeightsFile(document)
    assert file.weights == {"sentiment": ModelWeights(4, {5: 20.0})}

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return until

    monkeypatch.setattr("serving.catalog.weights_file.datetime", Later)
    file.look()
    assert file.weights == {"sentiment": ModelWeights(4, {5: 0.0})}
