"""The bills of materials that images hold: valid CycloneDX, and of what is installed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.images.podman import BATCH, LITE, SERVE, TRAIN, once

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".venv-sbom" / "bin" / "python"
BILL = "/opt/plumbline/sbom.cdx.json"
INSTALLED = "import importlib.metadata as m, json; print(json.dumps([[d.name, d.version] for d in m.distributions()]))"


@pytest.mark.skipif(not PYTHON.exists(), reason="needs cyclonedx-python-lib: make .venv-sbom/installed")
@pytest.mark.parametrize("lock", ["serve", "lite", "batch", "train"])
def test_the_bill_of_a_lock_is_valid_and_has_each_package_with_its_hashes(lock, tmp_path):
    """The script checks it against the standard's schema, which comes with the library, and fails if it differs."""
    (tmp_path / "requirements").mkdir()
    for path in ("pyproject.toml", "requirements/sbom.py", f"requirements/{lock}.txt"):
        shutil.copy(ROOT / path, tmp_path / path)
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()

    subprocess.run([PYTHON, "requirements/sbom.py", f"requirements/{lock}.txt"], cwd=tmp_path, check=True)
    bill = json.loads((tmp_path / "requirements" / f"{lock}.cdx.json").read_text())
    found = {each["name"]: each for each in bill["components"]}

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == f"plumbline-{lock}"
    for name, version in re.findall(r"^([a-z0-9.-]+)==([^\s;\\]+) \\$", text, re.M):  # without a marker
        assert found[name]["version"] == version
        assert found[name]["purl"] == f"pkg:pypi/{name}@{version}"
        assert f"--hash=sha256:{found[name]['hashes'][0]['content']}" in text


@pytest.mark.skipif(not PYTHON.exists(), reason="needs cyclonedx-python-lib: make .venv-sbom/installed")
def test_packages_of_other_systems_are_left_out(tmp_path):
    (tmp_path / "requirements").mkdir()
    for path in ("pyproject.toml", "requirements/sbom.py"):
        shutil.copy(ROOT / path, tmp_path / path)
    zeros = f"    --hash=sha256:{'0' * 64}\n"
    lock = f"here==1 \\\n{zeros}there==2 ; sys_platform == 'win32' \\\n{zeros}"
    (tmp_path / "requirements" / "made-up.txt").write_text(lock)

    subprocess.run([PYTHON, "requirements/sbom.py", "requirements/made-up.txt"], cwd=tmp_path, check=True)
    bill = json.loads((tmp_path / "requirements" / "made-up.cdx.json").read_text())

    assert [each["name"] for each in bill["components"]] == ["here"]


@pytest.mark.images
@pytest.mark.parametrize("image", [SERVE, LITE, BATCH, TRAIN])
def test_an_image_holds_the_bill_of_what_is_installed_in_it(image):
    bill = json.loads(once(image, BILL, options=["--entrypoint=cat"]))
    installed = json.loads(once(image, "-c", INSTALLED, options=["--entrypoint=python"]))
    listed = {(each["name"], each["version"]) for each in bill["components"]}

    assert {(_normal(name), version) for name, version in installed} - {("plumbline", _version())} == listed


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version() -> str:
    return re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)[1]
