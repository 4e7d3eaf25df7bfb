"""Options and fixtures of the whole test run."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.object_store import bucket, s3
from tests.sample_models import PUBLISHED, sample_models
from tests.stack import Stack, running

__all__ = ["bucket", "s3"]  # fixtures

LONG = (
    "tests/monitoring/test_live.py",
    "tests/training/execution",
    "tests/training/jobs",
    "tests/reliability",
    "tests/training/publishing/test_replacement.py",
    "tests/training",
    "tests/examples",
    "tests/test_",
    "tests/serving/model_servers",
    "tests/serving/batch/test_",
    "tests/serving/gateway/openapi",
    "tests/serving/gateway/test_",
    "tests/k8s",
    "tests/monitoring",
)
"""Where the files are that take longest, these first."""

# For this process, and for those that tests start: OpenMP's threads spin while they wait for each other. Where other
# work has a core, gradient boosting takes eight times as long with two of them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("patient", settings(), deadline=None)  # a machine with other work takes its time
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    # Here, because pytest reads options only from its first conftest.
    group = parser.getgroup("conformance", "what tests/conformance runs against (default: our own local server)")
    group.addoption("--server", metavar="HOST:PORT", help="gRPC address of a running server, for the request tests")
    group.addoption("--rest", metavar="HOST:PORT", help="REST address of that same server")
    group.addoption("--server-binary", metavar="PATH", help="tensorflow_model_server to start, for all tests")
    group = parser.getgroup("images", "what tests/images runs")
    group.addoption("--images", action="store_true", help="test the images that .ci/images has built")
    group.addoption("--base-image", metavar="NAME", help="the image that they were built on")
    group = parser.getgroup("reliability", "how much of tests/reliability runs")
    group.addoption("--reliability", metavar="FILE", help="all of it, with its figures as lines of JSON to this file")
    group = parser.getgroup("monitoring", "the picture of the overview dashboard that tests/monitoring can draw")
    group.addoption("--overview", metavar="PNG", help="draw it there, after a longer run")
    group.addoption("--overview-seconds", metavar="S", type=float, default=240.0, help="how long that run is [240]")


def pytest_xdist_auto_num_workers() -> int:
    """Have one more than there are cores: tests of whole systems wait for these half of their time."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection() -> None:
    """Collect no garbage until all is imported: there is hardly any, and looking takes a quarter of the time."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: then no worker is left alone with one of them at the end."""
    items.sort(key=lambda item: next((rank for rank, start in enumerate(LONG) if item.nodeid.startswith(start)), 99))


def pytest_collection_finish() -> None:
    """Spare the garbage collector the half million objects of imported packages: each fit calls it, for 0.4 s."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers of pytest-xdist share, for what takes them long to make."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def trained(of_the_run: Path):
    """All models, trained on their samples by whichever worker comes first: name -> its `Trained`."""
    return sample_models(of_the_run)


@pytest.fixture(scope="session")
def published(trained, of_the_run: Path) -> Path:
    """The models folder with version 1 of each; tests that add versions work on a copy."""
    return of_the_run / PUBLISHED


@pytest.fixture(scope="session")
def stack(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system over the sample models, shared by all tests that only ask."""
    folder = tmp_path_factory.mktemp("stack")
    shutil.copytree(published, folder / "models")
    with running(folder / "models", folder) as running_stack:
        yield running_stack
