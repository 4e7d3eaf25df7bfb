"""A model that the train image trains, its server, and the gateway before it, each in a locked-down container."""

import contextlib
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.images.podman import SERVE, TRAIN, Gateway, container, once, podman


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("images") and not config.getoption("--images"):
            item.add_marker(pytest.mark.skip(reason="needs images, and podman: .ci/images builds them and runs this"))


@pytest.fixture(scope="session")
def network() -> Iterator[str]:
    name = f"plumbline-test-{uuid.uuid4().hex[:12]}"
    podman("network", "create", name)
    yield name
    podman("network", "rm", name)


@pytest.fixture(scope="session")
def volumes() -> Iterator[dict[str, str]]:
    """Empty volumes at /models and /reports: folder -> option of `podman run`."""
    names = {folder: f"plumbline-test-{uuid.uuid4().hex[:12]}" for folder in ("/models", "/reports")}
    for name in names.values():
        podman("volume", "create", name)
    yield {folder: f"--volume={name}:{folder}" for folder, name in names.items()}
    podman("volume", "rm", *names.values())


@pytest.fixture(scope="session")
def trained(volumes: dict[str, str]) -> str:
    """What the train image says while it trains and publishes a model."""
    words = "train house_price --sample --recipe baseline --no-compare".split()
    return once(TRAIN, *words, options=[*volumes.values(), "--memory=4g"])


@pytest.fixture(scope="session")
def start_gateway(
    trained: str, volumes: dict[str, str], network: str
) -> Iterator[Callable[[], contextlib.AbstractContextManager[Gateway]]]:
    """A function that starts the serve image before a model server with the trained model."""
    server_options = ["--entrypoint=python", volumes["/models"] + ":ro", "--memory=2g"]
    server_options += [f"--network={network}", "--network-alias=tf-serving"]
    flags = "--host=0.0.0.0 --port=8500 --model_name=house_price --model_base_path=/models/house_price".split()
    gateway_options = [f"--network={network}", "--publish=127.0.0.1::8000", "--memory=512m"]
    gateway_options += ["--env=MODEL_SERVER=tf-serving:8500", "--env=MODELS=house_price"]

    @contextlib.contextmanager
    def start() -> Iterator[Gateway]:
        with container(SERVE, options=gateway_options) as name:
            gateway = Gateway(name, "http://" + podman("port", name, "8000").strip())
            gateway.wait_until_ready()
            yield gateway

    with container(TRAIN, "-m", "serving.local_server", *flags, options=server_options):
        yield start


@pytest.fixture(scope="session")
def gateway(start_gateway: Callable[[], contextlib.AbstractContextManager[Gateway]]) -> Iterator[Gateway]:
    with start_gateway() as started:
        yield started
