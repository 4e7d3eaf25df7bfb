import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.commands.models import models
from serving.model_store import place_of
from tests.conformance.servers import wait_for
from tests.serving.registry.folders import MODEL, content, numbers, publish_version
from tests.stack import PLUMBLINE


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """Two versions of one model."""
    for each in "ab":
        publish_version(tmp_path / "models", each)
    return tmp_path / "models"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(models, ["copy", *map(str, arguments)])


def test_copy_says_what_it_copies_and_what_was_there(models_dir: Path, tmp_path: Path) -> None:
    assert run(models_dir, tmp_path / "backup", "--newest", 1).output == "house_price: copied 2\n"
    assert run(models_dir, tmp_path / "backup", MODEL).output == "house_price: copied 1; there already 2\n"
    publish_version(models_dir)
    mirrored = run(models_dir, tmp_path / "backup", "--newest", 2, "--mirror")
    assert mirrored.output == "house_price: copied 3; there already 2; removed 1\n"


def test_a_store_may_be_a_new_folder(models_dir: Path, tmp_path: Path) -> None:
    store = f"file://{tmp_path}/new/folder"
    assert run(models_dir, store).output == "house_price: copied 1, 2\n"
    assert run(store, tmp_path / "back").output == "house_price: copied 1, 2\n"


def test_pruning_where_there_is_no_model_is_an_error(models_dir: Path, tmp_path: Path) -> None:
    for place in ("memory://nothing/here", f"file://{tmp_path}/nothing"):
        pruned = CliRunner().invoke(models, ["prune", "--store", place])
        assert (pruned.exit_code, pruned.output) == (1, f"Error: {place}: there is no model to prune\n")
    pruned = CliRunner().invoke(models, ["prune", "--store", f"file://{models_dir}"])  # a folder, not a store
    assert "house_price: nothing to remove; no version is there\n" in pruned.output


def test_a_damaged_version_is_told_by_a_line_and_the_exit_code(models_dir: Path, tmp_path: Path) -> None:
    (models_dir / MODEL / "1" / "variables" / "data").write_text("A")
    result = run(models_dir, tmp_path / "backup")

    assert result.exit_code == 1
    assert result.stdout == "house_price: copied 2\n"
    assert result.stderr.startswith("house_price: version 1: variables/data: expected 1 bytes")
    assert run(models_dir, tmp_path / "backup", "--lenient").exit_code == 0


def test_a_follower_keeps_a_folder_equal_until_it_is_told_to_end(models_dir: Path, tmp_path: Path) -> None:
    pod = tmp_path / "pod"
    command = [*PLUMBLINE, "models", "copy", models_dir, pod, "--mirror", "--follow", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower:
        try:
            wait_for(lambda: (pod / MODEL / "2").exists(), "the first copy")
            publish_version(models_dir, "c")
            place_of(str(models_dir)).remove(MODEL, 1)
            wait_for(lambda: numbers(pod) == [2, 3], "what was published, without what was removed")
            models_dir.rename(tmp_path / "away")  # what can't be reached takes nothing away
            assert follower.stderr
            assert "there is no model to copy" in follower.stderr.readline()
            (tmp_path / "away").rename(models_dir)
            publish_version(models_dir, "d")
            wait_for(lambda: numbers(pod) == [2, 3, 4], "what was published once it can be reached again")
        finally:
            follower.send_signal(signal.SIGTERM)
        printed, _ = follower.communicate(timeout=60)

    assert follower.returncode == 0
    assert printed.splitlines()[0] == "house_price: copied 1, 2"
    assert content(pod, 4) == "d"
