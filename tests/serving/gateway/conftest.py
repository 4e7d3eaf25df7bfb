import threading
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import image_contract, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until


@pytest.fixture
def settings(model_server: FakeModelServer) -> Settings:
    for contract in (text_contract(), tabular_contract(), image_contract()):
        model_server.publish(contract)
    return Settings(
        model_server=model_server.address,
        models=("sentiment", "house_price", "digits"),
        refresh_seconds=0.05,
    )


@pytest.fixture
def gateway(settings: Settings) -> Iterator[FlaskClient]:
    app = create_app(settings)
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    yield client
    close_app(app)


@pytest.fixture
def address(gateway: FlaskClient) -> Iterator[str]:
    """The gateway's host and port, for clients that need a real socket."""
    server = make_server("127.0.0.1", 0, gateway.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
