import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import models
from tests.conformance.client import Client
from tests.conformance.servers import Address, Launcher

MONITORING = "prometheus_config { enable: true }"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    foreign = config.getoption("--server") or config.getoption("--server-binary")
    for item in items:
        if foreign and item.get_closest_marker("better_than_real"):
            item.add_marker(pytest.mark.skip(reason="where our server differs from the original on purpose"))


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    models.write_all(folder)
    return folder


@pytest.fixture(scope="session")
def launcher(request: pytest.FixtureRequest) -> Iterator[Launcher]:
    if request.config.getoption("--server"):
        pytest.skip("starts servers of its own, which --server rules out")
    with tempfile.TemporaryDirectory() as folder:
        yield Launcher(request.config.getoption("--server-binary"), Path(folder))


@pytest.fixture(scope="session")
def address(request: pytest.FixtureRequest) -> Iterator[Address]:
    """Give the server that the request tests ask."""
    if given := request.config.getoption("--server"):
        yield Address(given, request.config.getoption("--rest") or "")
        return
    folder = request.getfixturevalue("models_dir")
    monitoring = folder / "monitoring.config"
    monitoring.write_text(MONITORING)
    flags = [f"--model_config_file={folder}/models.config", f"--monitoring_config_file={monitoring}"]
    with request.getfixturevalue("launcher").running(*flags, "--enable_grpc_healthcheck_service") as server:
        yield server.address


@pytest.fixture(scope="session")
def client(address: Address) -> Iterator[Client]:
    client = Client(address.grpc)
    yield client
    client.channel.close()


@pytest.fixture
def rest(address: Address) -> Address:
    if not address.rest:
        pytest.skip("needs --rest")
    return address


@pytest.fixture
def copy_version(models_dir: Path):
    """Give a function that puts a version of a model into a folder under a number, at once, as a writer should."""

    def copy(source: str, base_path: Path, number: int) -> Path:
        staged = base_path.parent / f".{base_path.name}-{number}"
        shutil.copytree(models_dir / source, staged)
        base_path.mkdir(exist_ok=True)
        return staged.rename(base_path / str(number))

    return copy
