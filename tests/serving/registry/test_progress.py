"""What followers of a models folder see of the models that are being trained."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.registry.progress import TRAINING, Progress, in_training


def test_a_model_waits_then_has_its_share_and_is_forgotten_at_the_end(tmp_path: Path) -> None:
    with Progress(tmp_path, "topic") as topic, Progress(tmp_path, "digits") as digits:
        assert in_training(tmp_path) == {"digits": None, "topic": None}
        topic.show(0.404)
        digits.show(1.0)
        assert in_training(tmp_path) == {"digits": 0.99, "topic": 0.4}  # all of it only once it is published
    assert in_training(tmp_path) == {}
    assert list((tmp_path / TRAINING).iterdir()) == []


def test_what_a_killed_process_left_behind_is_not_shown(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal; from serving.registry.progress import *;"
        f"Progress(pathlib.Path({str(tmp_path)!r}), 'topic').show(0.5);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert [path.name for path in (tmp_path / TRAINING).iterdir()] == ["topic.progress"]

    assert in_training(tmp_path) == {}
    with Progress(tmp_path, "topic"):
        assert in_training(tmp_path) == {"topic": None}


def test_of_two_that_train_the_same_model_the_later_one_is_shown_until_its_end(tmp_path: Path) -> None:
    with Progress(tmp_path, "topic") as later, Progress(tmp_path, "topic"):
        later.show(0.3)
        with Progress(tmp_path, "topic") as last:
            last.show(0.1)
            assert in_training(tmp_path) == {"topic": 0.1}
    assert in_training(tmp_path) == {}


@pytest.mark.parametrize("content", [b"", b"half", b"\xff\xff\xff\xff", b"nan ", b"-0.5", b"9e99"])
def test_what_is_no_share_is_not_shown(tmp_path: Path, content: bytes) -> None:
    with Progress(tmp_path, "topic"):
        (tmp_path / TRAINING / "topic.progress").write_bytes(content)
        os.mkfifo(tmp_path / TRAINING / "pipe.progress")
        (tmp_path / TRAINING / "UP.progress").touch()
        assert in_training(tmp_path) == {}


def test_nothing_is_written_to_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with Progress(tmp_path / "models", "topic") as progress:
        progress.show(0.5)
        assert in_training(tmp_path / "models") == {}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_written_stops_no_training(tmp_path: Path) -> None:
    (tmp_path / TRAINING).touch()
    with Progress(tmp_path, "topic") as progress:
        progress.show(0.5)
        assert in_training(tmp_path) == {}
