"""Work that is counted, not timed: what a request may cost in calls, bytes, memory and imports, on any machine."""

import gc
import http.client
import json
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import image_contract, png, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until

TEXT = {"text": "a good film"}
CALLERS, EACH = 16, 20
ALLOWED = {
    "PIL",
    "blinker",
    "click",
    "flask",
    "google",
    "grpc",
    "gunicorn",  # which runs it
    "grpc_tools",  # which grpc loads where a developer has it
    "itsdangerous",
    "jinja2",
    "markupsafe",
    "numpy",
    "orjson",
    "prometheus_client",
    "serving",
    "typing_extensions",
    "werkzeug",
}
"""The packages from outside the standard library that a gateway may load. TensorFlow and Keras would take 500 MB."""


@pytest.fixture
def app(model_server: FakeModelServer) -> Iterator[Flask]:
    for contract in (text_contract(), image_contract()):
        model_server.publish(contract)
    # It looks for versions once: what is counted is the requests' own work.
    settings = Settings(model_server=model_server.address, models=("sentiment", "digits"), refresh_seconds=3600)
    app = create_app(settings)
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    model_server.forget()
    yield app
    close_app(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_a_request_takes_one_call(client: FlaskClient, model_server: FakeModelServer) -> None:
    for _ in range(5):
        assert client.post("/predict/sentiment", json=TEXT).status_code == 200
    assert client.post("/predict/sentiment", json={"instances": [TEXT] * 64}).status_code == 200

    assert model_server.rows == [1] * 5 + [64]


def test_callers_at_the_same_time_share_calls(app: Flask, model_server: FakeModelServer) -> None:
    model_server.delay_seconds = 0.02
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def ask_often(_: int) -> list[int]:
        return [_ask(server.port) for _ in range(EACH)]

    with ThreadPoolExecutor(CALLERS) as callers:
        statuses = [status for each in callers.map(ask_often, range(CALLERS)) for status in each]
    server.shutdown()
    thread.join()
    server.server_close()

    assert statuses == [200] * CALLERS * EACH
    assert sum(model_server.rows) == CALLERS * EACH  # no work twice
    assert len(model_server.rows) <= CALLERS * EACH / 4  # two waves of callers would be an eighth


@pytest.mark.parametrize(
    ("path", "body", "media_type", "features"),
    [
        ("/predict/sentiment", json.dumps(TEXT).encode(), "application/json", 16 * 4),
        ("/predict/digits", png(90, (400, 300)), "image/png", 8 * 8),
    ],
)
def test_features_travel_in_their_smallest_form(
    client: FlaskClient, model_server: FakeModelServer, path: str, body: bytes, media_type: str, features: int
) -> None:
    assert client.post(path, data=body, content_type=media_type).status_code == 200

    (size,) = model_server.sizes
    assert features < size < features + 80  # names, shapes and version


def test_a_request_keeps_no_memory(client: FlaskClient, model_server: FakeModelServer) -> None:
    def ask_often() -> int:
        for _ in range(200):
            client.post("/predict/sentiment", json=TEXT)
        client.get("/metrics")  # counts the measures that requests leave until then
        model_server.forget()
        gc.collect()
        return sys.getallocatedblocks()

    ask_often()  # fills caches
    counts = [ask_often() for _ in range(4)]

    # Requests that keep as much as a string each are caught: that grows every time, what other threads do does not.
    assert min(after - before for before, after in pairwise(counts)) < 200


def test_a_request_needs_little_memory(client: FlaskClient) -> None:
    client.post("/predict/sentiment", json=TEXT)
    tracemalloc.start()
    try:
        client.post("/predict/sentiment", json=TEXT)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        client.post("/predict/sentiment", json=TEXT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak - before < 256 * 1024


def test_the_gateway_loads_what_it_needs_and_no_more() -> None:
    imports = "import serving.gateway.app, serving.tfserving.client"
    code = f"import sys; before = set(sys.modules); {imports}; print(*set(sys.modules) - before)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    private = ("_sysconfigdata", "cython")  # of the standard library, which zoneinfo asks for paths; of gRPC
    packages = {module.partition(".")[0] for module in modules if not any(name in module for name in private)}

    assert packages - sys.stdlib_module_names - ALLOWED == set()
    assert {"flask", "grpc", "numpy"} <= packages
    assert len(modules) < 900


def test_all_that_workers_need_is_imported_before_they_are_forked() -> None:
    code = """
import sys
from serving.gateway.gunicorn_conf import application, on_starting
on_starting(None)
before = set(sys.modules)
application()
print(*(name for name in sys.modules.keys() - before if name in ("flask", "grpc") or name.startswith("serving")))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_up_that_only_watches_loads_none_of_what_the_gateway_needs() -> None:
    packages = {"numpy", "PIL", "flask", "grpc", "prometheus_client"}
    code = f"import sys, serving.commands.up; print(*{packages} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def _ask(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/predict/sentiment", json.dumps(TEXT), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        return reply.status
    finally:
        connection.close()
