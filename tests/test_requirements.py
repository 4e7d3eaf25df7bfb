"""The lock: complete, pinned by hash, and without a registry's address."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_a_hash_and_no_address_stands_there(lock):
    text = lock.read_text()

    assert not re.search(r"https?:|--index|--find-links|@ ", text)
    requirements = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if not entry.startswith("#")]
    assert requirements
    for requirement in requirements:
        assert re.match(r"[a-z0-9.-]+==\S+", requirement)
        assert "--hash=sha256:" in requirement


def test_the_gpu_image_installs_what_the_cpu_image_does_and_cuda():
    gpu = _locked("train-gpu")

    assert _locked("train").items() <= gpu.items()
    assert {"nvidia-cudnn-cu12", "nvidia-cuda-runtime-cu12"} <= gpu.keys()


@pytest.mark.parametrize("extra", ["serve", "batch", "train"])
def test_the_lock_of_an_image_holds_all_that_its_extra_asks_for(extra):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {
        re.match(r"[a-z0-9-]+", line)[0] for line in project["dependencies"] + project["optional-dependencies"][extra]
    }
    locked = _locked(extra)

    assert wanted - {"plumbline"} <= locked.keys()
    assert locked.items() <= _locked("dev").items()


def test_what_scores_files_can_do_all_that_the_gateway_can():
    assert _locked("serve").items() <= _locked("batch").items()


@pytest.mark.parametrize("extra", ["serve", "batch"])
def test_what_serves_installs_no_tensorflow_and_no_client(extra):
    assert not {"tensorflow", "keras", "tensorflow-serving-api", "httpx"} & _locked(extra).keys()


def test_the_client_is_tested_with_what_its_extra_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert {re.match(r"[a-z0-9-]+", line)[0] for line in project["optional-dependencies"]["client"]} <= _locked(
        "dev"
    ).keys()


def _locked(name: str) -> dict[str, set[str]]:
    """Read the versions of each package (several where they depend on the Python version)."""
    versions: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([a-z0-9.-]+)==(\S+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.M
    ):
        versions.setdefault(package, set()).add(version)
    return versions
