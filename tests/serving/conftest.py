from collections.abc import Iterator

import pytest

from serving.tfserving.client import ModelServerClient
from tests.serving.fake_model_server import FakeModelServer


@pytest.fixture
def model_server() -> Iterator[FakeModelServer]:
    server = FakeModelServer().start()
    yield server
    server.stop()


@pytest.fixture
def client(model_server: FakeModelServer) -> Iterator[ModelServerClient]:
    client = ModelServerClient(model_server.address)
    yield client
    client.close()
