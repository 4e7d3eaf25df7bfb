"""A gateway in processes of its own, before a model server that asks for a certificate."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme

from tests.serving.certificates import Certificates
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_serve import Running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA, tmp_path: Path) -> Iterator[FakeModelServer]:
    files = Certificates.issued(authority, tmp_path / "server", "tf-serving")
    pair = (files.key.read_bytes(), files.cert.read_bytes())
    server = FakeModelServer(credentials=grpc.ssl_server_credentials([pair], files.ca.read_bytes(), True))
    server.publish(text_contract())
    yield server.start()
    server.stop()


def test_the_settings_say_how_it_is_reached(server: FakeModelServer, authority: trustme.CA, tmp_path: Path) -> None:
    ours = Certificates.issued(authority, tmp_path / "ours", "gateway")
    trust = {"MODELS": "sentiment", "MODEL_SERVER_CA": str(ours.ca), "MODEL_SERVER_NAME": "tf-serving"}
    own = {"MODEL_SERVER_CERT": str(ours.cert), "MODEL_SERVER_KEY": str(ours.key)}
    gateways = [
        Running(server.address, tmp_path, tmp_path / f"log{number}", **{**trust, **more})
        for number, more in enumerate(({}, own))
    ]
    without, known = gateways
    try:
        wait_until(known.ready)
        assert known.predict() == 200
        wait_until(lambda: "the model server is not available" in without.log)
        assert not without.ready()
        assert without.predict() == 503
    finally:
        for gateway in gateways:
            gateway.process.terminate()
        for gateway in gateways:
            gateway.process.wait(30)
