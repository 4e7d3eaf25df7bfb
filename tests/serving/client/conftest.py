"""Both clients through one interface, in front of the real gateway or of a server that says what a test wants."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from serving.client import AsyncClient, Client
from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import image_contract, tabular_contract, text_contract
from tests.serving.every_kind import mixed_kind, model_of
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.conftest import served

MIXED = mixed_kind()
Connect = Callable[..., Any]


class Blocking:
    """An AsyncClient whose methods are run to their end, in an event loop of its own."""

    def __init__(self, portal: BlockingPortal, *args: Any, **settings: Any) -> None:
        self._portal = portal
        self._client = AsyncClient(*args, **settings)

    def close(self) -> None:
        self._portal.call(self._client.aclose)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not callable(method):
            return method
        return lambda *args, **options: self._portal.call(partial(method, *args, **options))


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Make clients; all are closed in the end."""
    with contextlib.ExitStack() as stack:
        make: Connect = Client
        if request.param == "async":
            make = partial(Blocking, stack.enter_context(start_blocking_portal()))

        def connected(*args: Any, **settings: Any) -> Any:
            client = make(*args, **settings)
            stack.callback(client.close)
            return client

        yield connected


@contextlib.contextmanager
def gateway(model_server: FakeModelServer, **settings: Any) -> Iterator[str]:
    """Run the real gateway; its models are those that the model server has by then."""
    for contract in (text_contract(), tabular_contract(), image_contract()):
        model_server.publish(contract)
    model_server.publish(MIXED.contract, model=model_of(MIXED.contract))
    models = tuple(settings.pop("models", model_server.versions))
    app = create_app(Settings(model_server=model_server.address, models=models, refresh_seconds=0.05, **settings))
    ready = [model for model in models if model_server.versions.get(model)]
    with served(app) as url:
        asked = app.test_client()
        wait_until(lambda: all(asked.get("/readyz").get_json()["models"][model]["ready"] for model in ready))
        yield url


@pytest.fixture
def url(model_server: FakeModelServer) -> Iterator[str]:
    with gateway(model_server) as address:
        yield address


@dataclass
class Scripted:
    """A server that answers each request with the next of *replies*, the last of them for ever.

    A reply is a status, headers and a body, which may be several parts with a pause before each. Without a status the
    connection is closed instead.
    """

    replies: list[tuple[int, dict[str, str], bytes | list[bytes]]]
    pause_seconds: float = 0.0
    asked: list[tuple[str, str, dict[str, str], bytes, float]] = field(default_factory=list)
    url: str = ""

    def next(self) -> tuple[int, dict[str, str], bytes | list[bytes]]:
        return self.replies[min(len(self.asked), len(self.replies)) - 1]


@contextlib.contextmanager
def scripted(
    *replies: tuple[int, dict[str, str], bytes | list[bytes]], pause_seconds: float = 0.0
) -> Iterator[Scripted]:
    script = Scripted([*replies], pause_seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.asked.append((self.command, self.path, headers, body, time.monotonic()))
            status, more, answer = script.next()
            parts = answer if isinstance(answer, list) else [answer]
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(sum(map(len, parts))), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # the client went away
                for part in parts:
                    time.sleep(script.pause_seconds)
                    self.wfile.write(part)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    thread.join()
    server.server_close()
