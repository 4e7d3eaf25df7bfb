import contextlib
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import image_contract, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.browser import WIDE, Watch, chromium

PATIENCE_MILLISECONDS = 20_000  # waited only where something fails


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


@contextlib.contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        close_app(app)


@pytest.fixture(scope="module")  # not for the session: its event loop would be in the way of other tests'
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with chromium() as started:
        yield started


@pytest.fixture
def look(request: pytest.FixtureRequest) -> dict[str, object]:
    """Options of the browser's context; tests may parametrise them."""
    return {"viewport": WIDE, "color_scheme": "light", **getattr(request, "param", {})}


@pytest.fixture
def page(browser: Browser, look: dict[str, object]) -> Iterator[Page]:
    """A page that must not log an error, nor ask another host than the first."""
    watch = Watch()
    context = browser.new_context(**look)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    watch.follow(context)
    yield context.new_page()
    context.close()
    assert watch.told == []
    assert len(watch.hosts) == 1
