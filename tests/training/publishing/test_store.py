import uuid
from pathlib import Path

import pytest

from serving.model_store import place_of
from tests.serving.registry.folders import MODEL, content, numbers, publish_version
from training.errors import TrainingError
from training.publishing.store import deliver, fetch


@pytest.fixture
def store() -> str:
    return f"memory://{uuid.uuid4().hex}/models"


def test_jobs_in_folders_of_their_own_publish_one_after_the_other(tmp_path: Path, store: str) -> None:
    for job in "abc":
        fetch(store, tmp_path / job, [MODEL, "topic"])
        publish_version(tmp_path / job, job)
        deliver(store, tmp_path / job, MODEL)

    assert place_of(store).numbers(MODEL) == [1, 2, 3]
    assert [content(tmp_path / "c", number) for number in numbers(tmp_path / "c")] == ["a", "b", "c"]


def test_of_two_jobs_at_once_the_second_is_to_be_tried_again(tmp_path: Path, store: str) -> None:
    for job in "ab":
        fetch(store, tmp_path / job, [MODEL])
        publish_version(tmp_path / job, job)
    deliver(store, tmp_path / "a", MODEL)

    with pytest.raises(TrainingError, match="version 1: another version has this number in memory://") as refused:
        deliver(store, tmp_path / "b", MODEL)
    assert refused.value.exit_code == 75
    fetch(store, tmp_path / "again", [MODEL])
    assert content(tmp_path / "again", 1) == "a"


def test_an_address_of_no_store_is_final(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--store gopher://bucket: Protocol not known") as refused:
        fetch("gopher://bucket", tmp_path, [MODEL])

    assert refused.value.exit_code == 2
