"""What TensorFlow Serving can't load is found without TensorFlow, told, passed over and taken away; no good one is."""

import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.commands.models import models
from serving.registry import RegistryError, publish, scan
from serving.registry.checking import why_unloadable
from serving.registry.quarantining import quarantine
from serving.registry.server_config import BATCHING_FILE
from serving.registry.versions import CONTRACT
from tests.conformance.models import write_mlp
from tests.serving.registry.folders import MODEL, REAL


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version that TensorFlow wrote."""
    folder = tmp_path_factory.mktemp("written") / "1"
    write_mlp(folder, 1.0)
    (folder / "assets.extra").mkdir()
    (folder / CONTRACT).write_text(REAL)
    return folder


@pytest.fixture
def models_dir(version: Path, tmp_path: Path) -> Path:
    """Versions 1 to 3 of one model."""
    for _ in range(3):
        publish(tmp_path / "models", MODEL, lambda folder: copied(version, folder))
    return tmp_path / "models"


def copied(version: Path, folder: Path) -> None:
    shutil.copytree(version, folder)


def cut(path: Path, share: float = 0.5) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def without_tag(path: Path) -> None:
    file = path / "saved_model.pb"
    file.write_bytes(file.read_bytes().replace(b"\x22\x05serve", b"\x22\x05other"))


def warm_up(path: Path, count: int, spoilt: bytes = b"") -> None:
    record = struct.pack("<Q4x", 3) + b"abc" + bytes(4)
    (path / "assets.extra" / "tf_serving_warmup_requests").write_bytes(record * count + spoilt)


SHARD = "variables/variables.data-00000-of-00001"
DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "no graph": ("saved_model.pb is missing", lambda path: (path / "saved_model.pb").unlink()),
    "empty graph": ("the tag 'serve'", lambda path: (path / "saved_model.pb").write_bytes(b"")),
    "garbage": ("damaged or cut off", lambda path: (path / "saved_model.pb").write_bytes(b"no model at all")),
    "half a graph": ("saved_model.pb: expected a SavedModel", lambda path: cut(path / "saved_model.pb")),
    "another tag": ("the tag 'serve', got 1 other", without_tag),
    "half an index": ("variables.index is damaged", lambda path: cut(path / "variables" / "variables.index")),
    "no index": ("variables.index is missing", lambda path: (path / "variables" / "variables.index").unlink()),
    "no variables": ("expected all of variables.data-*, got []", lambda path: (path / SHARD).unlink()),
    "a shard is missing": (
        "expected all of variables.data-*",
        lambda path: (path / SHARD).rename(path / "variables" / "variables.data-00001-of-00002"),
    ),
    "batch sizes": (
        "the last of allowed_batch_sizes must be max_batch_size, 512, got 64",
        lambda path: (path / BATCHING_FILE).write_text(
            "max_batch_size { value: 512 } max_execution_batch_size { value: 64 } allowed_batch_sizes: [8, 64]"
        ),
    ),
    "batch sizes, by default": (
        "max_batch_size, 1000, got 64",
        lambda path: (path / BATCHING_FILE).write_text("allowed_batch_sizes: 64"),
    ),
    "batching": (f"{BATCHING_FILE}: 1:1", lambda path: (path / BATCHING_FILE).write_text("}")),
    "batching in bytes": (BATCHING_FILE, lambda path: (path / BATCHING_FILE).write_bytes(b"\xff\xfe")),
    "half a warm-up": ("cut off at record 3", lambda path: warm_up(path, 2, struct.pack("<Q4x", 99) + b"abc")),
    "no warm-up": ("cut off at record 1", lambda path: warm_up(path, 0, b"text")),
    "too much warm-up": ("expected at most 1000 records", lambda path: warm_up(path, 1001)),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_told(models_dir: Path, name: str) -> None:
    expected, damage = DAMAGE[name]
    damage(models_dir / MODEL / "3")

    assert expected in why_unloadable(models_dir / MODEL / "3")
    assert why_unloadable(models_dir / MODEL / "2") == ""


def test_what_is_found_is_what_a_server_ends_by(models_dir: Path) -> None:
    """Our own loads as the original does, by TensorFlow."""
    from serving.runtime.errors import ServingError
    from serving.runtime.loader import ServableLoader
    from serving.runtime.saved_model import Parallelism

    load = ServableLoader(Parallelism(), scheduler=None, batching=None, warm_up=True)
    load(models_dir / MODEL / "1")
    for name in ("no graph", "garbage", "half a graph", "another tag", "half an index", "no variables", "no warm-up"):
        spoilt = models_dir / MODEL / "9"
        shutil.copytree(models_dir / MODEL / "1", spoilt)
        DAMAGE[name][1](spoilt)
        with pytest.raises(ServingError):
            load(spoilt)
        shutil.rmtree(spoilt)


def test_a_file_with_a_number_for_a_name_is_unloadable(tmp_path: Path) -> None:
    (tmp_path / "7").touch()

    assert why_unloadable(tmp_path / "7") == "expected a folder, got a file"


def test_it_needs_no_tensorflow() -> None:
    code = "import sys, serving.commands.model_checks; assert not {'tensorflow', 'keras'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def run(models_dir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(models, arguments, env={"PLUMBLINE_MODELS": str(models_dir)})


def test_check_tells_of_the_versions_that_would_be_loaded(models_dir: Path) -> None:
    fine = run(models_dir, "check")
    assert (fine.exit_code, fine.output) == (
        0,
        "house_price: versions 3 and 2 can be loaded, as far as the files tell\n",
    )

    cut(models_dir / MODEL / "3" / "saved_model.pb")
    found = run(models_dir, "check", MODEL)
    assert found.exit_code == 1
    assert "house_price: version 3 can't be loaded: saved_model.pb: expected a SavedModel" in found.output
    assert "house_price: versions 2 and 1 can be loaded" in found.output
    assert list(scan(models_dir / MODEL)) == [1, 2, 3]


def test_check_takes_away_what_can_not_be_loaded_and_the_number_is_not_used_again(
    models_dir: Path, version: Path
) -> None:
    cut(models_dir / MODEL / "3" / "saved_model.pb")
    (models_dir / MODEL / ".highest_version").unlink()  # as where versions were copied by hand
    done = run(models_dir, "check", "--quarantine")

    assert done.exit_code == 0, done.output
    assert "house_price: version 3 moved to" in done.output
    assert list(scan(models_dir / MODEL)) == [1, 2]
    assert (models_dir / MODEL / ".quarantine" / "3" / "saved_model.pb").exists()
    assert run(models_dir, "check", "--quarantine").output.startswith("house_price: versions 2 and 1")
    assert publish(models_dir, MODEL, lambda folder: copied(version, folder)).name == "4"


def test_check_looks_no_further_than_what_would_be_loaded(models_dir: Path) -> None:
    cut(models_dir / MODEL / "1" / "saved_model.pb")

    assert run(models_dir, "check").exit_code == 0
    assert run(models_dir, "check", "--quarantine").exit_code == 0
    assert list(scan(models_dir / MODEL)) == [1, 2, 3]


def test_a_model_that_is_all_broken_is_told(models_dir: Path) -> None:
    for number in (1, 2, 3):
        cut(models_dir / MODEL / str(number) / "saved_model.pb")
    done = run(models_dir, "check", "--quarantine")

    assert "no version is left that can be loaded: a model server waits" in done.output


def test_an_empty_folder_is_well(tmp_path: Path) -> None:
    done = run(tmp_path, "check", "--quarantine")

    assert (done.exit_code, "holds no published model" in done.output) == (0, True)


@pytest.mark.parametrize("arguments", [("check", "../x"), ("check", "zebra"), ("quarantine", "zebra", "1")])
def test_a_model_that_is_not_there_is_told(models_dir: Path, arguments: tuple[str, ...]) -> None:
    done = run(models_dir, *arguments)

    assert (done.exit_code, "holds no model" in done.output) == (1, True)


def test_a_version_is_taken_away_by_hand(models_dir: Path) -> None:
    done = run(models_dir, "quarantine", MODEL, "3")
    assert done.exit_code == 0, done.output
    assert list(scan(models_dir / MODEL)) == [1, 2]

    again = run(models_dir, "quarantine", MODEL, "3")
    assert (again.exit_code, "there is no version 3; there are 1, 2" in again.output) == (1, True)
    (models_dir / MODEL / "3").mkdir()
    assert quarantine(models_dir, MODEL, 3).name == "3.2"


def test_both_names_of_a_number_are_taken_away(models_dir: Path) -> None:
    (models_dir / MODEL / "003").mkdir()
    quarantine(models_dir, MODEL, 3)

    assert list(scan(models_dir / MODEL)) == [1, 2]
    with pytest.raises(RegistryError):
        quarantine(models_dir, MODEL, 3)


def config_of(models_dir: Path, tmp_path: Path, *options: str) -> tuple[str, str]:
    done = run(models_dir, "config", "--output", str(tmp_path / "out"), *options)
    assert done.exit_code == 0, done.output
    return (tmp_path / "out" / "models.config").read_text(), done.output


def test_a_model_whose_newest_version_can_not_be_loaded_is_pinned(models_dir: Path, tmp_path: Path) -> None:
    text, _ = config_of(models_dir, tmp_path)
    assert "latest { num_versions: 2 }" in text

    cut(models_dir / MODEL / "3" / "saved_model.pb")
    text, told = config_of(models_dir, tmp_path)
    assert "model_version_policy { specific { versions: 1 versions: 2 } }" in text
    assert "house_price: version 3 can't be loaded: saved_model.pb" in told
    assert "house_price: pinned to 1 and 2" in told


def test_all_models_can_be_pinned(models_dir: Path, tmp_path: Path) -> None:
    text, told = config_of(models_dir, tmp_path, "--pin")

    assert "specific { versions: 2 versions: 3 }" in text
    assert "house_price: pinned to 2 and 3" in told


def test_a_model_can_be_pinned_to_the_version_that_is_good(models_dir: Path, tmp_path: Path) -> None:
    text, told = config_of(models_dir, tmp_path, "--pin-version", f"{MODEL}:1")

    assert "model_version_policy { specific { versions: 1 } }" in text
    assert "house_price: pinned to 1: new versions are not loaded until this is written anew" in told


@pytest.mark.parametrize(
    ("pin", "told"),
    [
        (f"{MODEL}:9", "there is no version 9; there are 1, 2, 3"),
        (f"{MODEL}:2", "version 2 is not to be served: saved_model.pb: expected a SavedModel"),
        ("zebra:1", "holds no model 'zebra'; there are house_price"),
        (MODEL, "expected MODEL:VERSION, such as sentiment:3, got 'house_price'"),
    ],
)
def test_what_a_model_can_not_be_pinned_to_is_told(models_dir: Path, tmp_path: Path, pin: str, told: str) -> None:
    cut(models_dir / MODEL / "2" / "saved_model.pb")
    done = run(models_dir, "config", "--output", str(tmp_path / "out"), "--pin-version", pin)

    assert done.exit_code != 0
    assert told in done.output
    assert not (tmp_path / "out").exists()
