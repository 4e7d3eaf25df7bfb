"""What the images hold, and what they must not."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.images.podman import BATCH, LITE, SERVE, TRAIN, inspect, layers, once, podman

pytestmark = pytest.mark.images

ROOT = Path(__file__).parent.parent.parent
MOST_BYTES = {SERVE: 160 * 10**6, LITE: 180 * 10**6}
"""What images may add to their base."""
COMPILERS = set("as c++ cc clang cpp g++ gcc ld make nvcc rustc".split())
TOOLS = set("hatchling uv".split())
SECRETS = set(".git .netrc .npmrc .pypirc id_rsa pip.conf uv.toml".split())
"""Files that tell where packages come from, or as whom."""
PUBLIC = re.compile(r"(?:.*\.)?(?:pypi\.org|pythonhosted\.org|debian\.org)")
WHETHER_BYTECODE_IS_FRESH = """
import importlib.util, pathlib, sys
stale = []
for source in pathlib.Path(sys.prefix, "lib").rglob("*.py"):
    compiled = pathlib.Path(importlib.util.cache_from_source(source))
    told = compiled.read_bytes()[8:16] if compiled.exists() else b""
    stat = source.stat()
    if told != int(stat.st_mtime).to_bytes(4, "little") + stat.st_size.to_bytes(4, "little"):
        stale.append(str(source))
print(len(stale), *stale[:9])
"""


@pytest.fixture(params=[SERVE, LITE, BATCH, TRAIN], ids=["serve", "lite", "batch", "train"])
def image(request):
    if request.param == BATCH and not (ROOT / "requirements" / "batch.txt").exists():
        pytest.skip("there is no requirements/batch.txt to build it of")
    return request.param


@pytest.fixture(scope="session")
def base(request):
    return request.config.getoption("--base-image")


def added(image: str, base: str) -> list[Path]:
    """List what lies in the layers that *image* has on top of its base."""
    shared = layers(base)
    return [path for layer in layers(image) if layer not in shared for path in layer.rglob("*")]


@pytest.mark.parametrize("small", MOST_BYTES)
def test_images_that_serve_are_small(small, base):
    assert inspect(small)["Size"] - inspect(base)["Size"] < MOST_BYTES[small]


def test_only_the_train_image_has_tensorflow_and_training(image, base):
    names = {path.name for path in added(image, base) if path.parent.name == "site-packages"}
    heavy = [name for name in names if re.match(r"tensorflow$|keras$|training$", name)]

    assert {"serving", "grpc", "numpy"} <= names
    assert len(heavy) == (3 if image == TRAIN else 0)


def test_no_layer_holds_a_compiler_a_builder_or_a_cache(image, base):
    paths = added(image, base)
    programs = {path.name for path in paths if path.parent.name in ("bin", "sbin")}

    assert {"python", "plumbline"} <= programs
    assert programs & (COMPILERS | TOOLS) == set()
    assert [path for path in paths if ".cache" in path.parts and not path.is_dir()] == []
    assert [path for path in paths if path.parent.name == "tmp"] == []


def test_no_layer_tells_where_packages_came_from(image, base):
    paths = [path for path in added(image, base) if path.is_file() and not path.is_symlink()]
    hosts = [host.encode() for host in _private_hosts()]

    assert [path for path in paths if path.name in SECRETS and path.stat().st_size] == []
    small = [path for path in paths if path.stat().st_size < 100_000]
    assert len(small) > 1000
    assert [path for path in small if any(host in path.read_bytes() for host in hosts)] == []


def _private_hosts() -> set[str]:
    """List the hosts that this machine takes packages from, but for the public ones, which packages name as well."""
    commands = [[sys.executable, "-m", "pip", "config", "list"], ["apt-get", "indextargets", "--format", "$(SITE)"]]
    texts = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for command in commands
        if shutil.which(command[0])
    ]
    hosts = re.findall(r"https?://(?:[^/@\s]*@)?([^/:\s'\"]+)", "\n".join(texts))
    return {host for host in hosts if not PUBLIC.fullmatch(host)}


def test_the_bytecode_is_there_and_fits_its_source(image):
    said = once(image, "-c", WHETHER_BYTECODE_IS_FRESH, options=["--entrypoint=python"])

    assert said.split()[0] == "0", said


def test_the_user_can_write_to_no_more_than_what_is_for_that(image):
    search = "/ -xdev ( -type f -o -type d ) -writable -print".split()
    found = podman("run", "--rm", "--entrypoint=find", image, *search, code=1).splitlines()

    places = {line for line in found if line.startswith("/")}
    volumes = {"/data", "/models", "/reports"} if image == TRAIN else set()
    assert {"/tmp"} | volumes <= places <= {"/tmp", "/var/tmp", "/run/lock"} | volumes  # noqa: S108


def test_the_image_says_what_it_is_and_how_it_runs(image):
    told = inspect(image)
    config, labels = told["Config"], told["Labels"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["plumbline"]
    assert config["StopSignal"] == "SIGTERM"
    assert labels["org.opencontainers.image.title"] == image.removeprefix("localhost/")
    assert labels["org.opencontainers.image.version"] == version
    assert re.fullmatch("[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert f"plumbline, version {version}" in once(image, "--version")
