"""Options and fixtures of the whole test run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.stack import Stack, running

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
    group = parser.getgroup("monitoring", "the picture of the overview dashboard that tests/monitoring can draw")
    group.addoption("--overview", metavar="PNG", help="draw it there, after a longer run")
    group.addoption("--overview-seconds", metavar="S", type=float, default=240.0, help="how long that run is [240]")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """All models, trained on their samples in this process: name -> its `Result`, and where they are."""
    from training.jobs.training_job import Job, train
    from training.task import find_task, task_names

    models_dir = tmp_path_factory.mktemp("trained")
    jobs = [Job(name, find_task(name), "baseline", models_dir, None, True, 1, print) for name in task_names()]
    return {job.name: train(job, job.load()) for job in jobs}


@pytest.fixture(scope="session")
def published(trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models folder with version 1 of each; tests that add versions work on a copy."""
    from training.publishing.export import export
    from training.publishing.publish import publish

    models_dir = tmp_path_factory.mktemp("published")
    for name, result in trained.items():
        publish(models_dir, name, lambda folder, result=result: export(result.model, result.contract, folder))
    return models_dir


@pytest.fixture(scope="session")
def stack(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system over the sample models, shared by all tests that only ask."""
    folder = tmp_path_factory.mktemp("stack")
    shutil.copytree(published, folder / "models")
    with running(folder / "models", folder) as running_stack:
        yield running_stack
