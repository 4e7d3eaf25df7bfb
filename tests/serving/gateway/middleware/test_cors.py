"""Pages of other origins: what the gateway tells browsers, and what a real one makes of it."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from serving.gateway.app import close_app, create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.settings import Settings
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.conftest import served

APP, OTHER = "https://app.example", "https://other.example"
HEADERS = "authorization, content-type, traceparent, tracestate, x-api-key, x-request-id, x-request-timeout"
TEXT = {"text": "a good film"}
PATHS = ["/predict/sentiment", "/v1/models/sentiment:predict", "/v2/models/sentiment/infer", "/models", "/openapi.json"]


@pytest.fixture
def origins() -> tuple[str, ...]:
    return (APP, "http://localhost:3000")


@pytest.fixture
def key(tmp_path: Path) -> str:
    key, line = make_key("alice")
    (tmp_path / "keys").write_text(f"{line}\n")
    return key


@pytest.fixture
def locked(settings: Settings, origins: tuple[str, ...], key: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A gateway that needs a key, takes two instances, and ten requests an hour."""
    keys = {"api_keys_file": tmp_path / "keys", "rate_limit": "10/hour"}
    app = create_app(replace(settings, cors_origins=origins, max_instances=2, **keys))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    yield client
    close_app(app)


def preflight(client: FlaskClient, path: str, origin: str) -> Any:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": HEADERS, "Origin": origin}
    return client.options(path, headers=asked)


@pytest.mark.parametrize("path", [*PATHS, "/nowhere"])
def test_a_preflight_is_answered_without_a_key(locked: FlaskClient, path: str) -> None:
    reply = preflight(locked, path, APP)
    assert reply.status_code == 204
    assert reply.headers["Access-Control-Allow-Origin"] == APP
    assert reply.headers["Vary"] == "Origin"
    assert {*HEADERS.split(", ")} <= {*reply.headers["Access-Control-Allow-Headers"].lower().split(", ")}
    assert reply.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert "Access-Control-Allow-Credentials" not in reply.headers


@pytest.mark.parametrize(
    "origin", [OTHER, "null", f"{APP}.evil.example", f"{APP}:8443", "http://app.example", APP.upper()]
)
def test_another_origin_is_told_nothing(locked: FlaskClient, key: str, origin: str) -> None:
    for reply in (
        preflight(locked, "/predict/sentiment", origin),
        locked.post("/predict/sentiment", json=TEXT, headers={"Origin": origin, "X-API-Key": key}),
        locked.get("/healthz", headers={"Origin": origin}),
    ):
        assert not [name for name, _ in reply.headers if name.startswith("Access-Control")]
        assert "Origin" in reply.headers["Vary"]
    assert preflight(locked, "/predict/sentiment", origin).status_code == 401


def test_every_reply_can_be_read_whatever_became_of_the_request(locked: FlaskClient, key: str) -> None:
    sent = {"Origin": APP, "X-API-Key": key}
    replies = {
        401: locked.post("/predict/sentiment", json=TEXT, headers={"Origin": APP}),
        200: locked.post("/predict/sentiment", json=TEXT, headers=sent),
        400: locked.post("/v2/models/sentiment/infer", data=b"{", headers=sent),
        404: locked.post("/predict/zebra", json=TEXT, headers=sent),
        405: locked.get("/predict/sentiment", headers=sent),
        413: locked.post("/predict/sentiment", json={"instances": [TEXT] * 3}, headers=sent),
        415: locked.post("/predict/sentiment", data=b"x", headers=sent),
        422: locked.post("/predict/sentiment", json={"text": 5}, headers=sent),
    }
    for _ in range(10):
        replies[429] = locked.post("/predict/sentiment", json=TEXT, headers=sent)
    for status, reply in replies.items():
        assert reply.status_code == status
        assert reply.headers["Access-Control-Allow-Origin"] == APP
        assert "Origin" in reply.headers["Vary"]
        told = {name.strip() for name in reply.headers["Access-Control-Expose-Headers"].split(",")}
        assert {"X-Request-ID", "Retry-After", "WWW-Authenticate"} <= told
    assert "Retry-After" in replies[429].headers


def test_a_reply_to_no_page_varies_by_origin_too_and_by_encoding(locked: FlaskClient, key: str) -> None:
    reply = locked.get("/models", headers={"X-API-Key": key})
    assert {*reply.vary} >= {"Origin", "Accept-Encoding"}
    assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize("origins", [("*",)])
def test_any_page_may_be_let_in(settings: Settings, origins: tuple[str, ...]) -> None:
    app = create_app(replace(settings, cors_origins=origins))
    for reply in (
        preflight(app.test_client(), "/predict/sentiment", OTHER),
        app.test_client().get("/models", headers={"Origin": OTHER}),
        app.test_client().get("/models"),
    ):
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert "Origin" not in reply.headers.get("Vary", "")
    close_app(app)


def test_without_the_setting_no_page_elsewhere_is_let_in(gateway: FlaskClient) -> None:
    for reply in (
        preflight(gateway, "/predict/sentiment", APP),
        gateway.get("/models", headers={"Origin": APP}),
    ):
        assert not [name for name, _ in reply.headers if name.startswith("Access-Control")]
        assert "Origin" not in reply.headers.get("Vary", "")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """The origin of a page that is not the gateway's."""
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<!doctype html><title>elsewhere</title><link rel=icon href=data:,>")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "page"))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def stranger(browser: Browser, elsewhere: str) -> Iterator[Page]:
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(elsewhere)
        yield page


ASK = """async ([url, body, headers]) => {
  try {
    const reply = await fetch(url, {
      method: "POST", body, headers: {"Content-Type": "application/json", ...headers},
    });
    const told = await reply.json();
    return [reply.status, reply.headers.get("X-Request-ID"), reply.headers.get("Retry-After"), told.code ?? told.model];
  } catch (error) { return [error.name, null, null, null]; }
}"""


def test_a_page_of_a_listed_origin_asks_and_reads_what_became_of_it(
    stranger: Page, elsewhere: str, settings: Settings, key: str, tmp_path: Path, model_server: FakeModelServer
) -> None:
    settings = replace(settings, api_keys_file=tmp_path / "keys", rate_limit="4/hour", max_instances=2)
    with served(create_app(replace(settings, cors_origins=(APP, elsewhere)))) as url:
        wait_until(lambda: stranger.request.get(f"{url}/readyz").status == 200)

        def ask(body: object, **headers: str) -> list[Any]:
            told: list[Any] = stranger.evaluate(ASK, [f"{url}/predict/sentiment", json.dumps(body), headers])
            return told

        mine = {"Authorization": f"Bearer {key}", "X-Request-ID": "page-1", "X-Request-Timeout": "5"}
        mine["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        assert ask(TEXT, **mine) == [200, "page-1", None, "sentiment"]
        assert ask(TEXT, **{"X-API-Key": key, "X-Request-ID": "page-2"})[:2] == [200, "page-2"]
        assert ask({"text": 5}, **mine)[::3] == [422, "invalid_instance"]
        assert ask({"instances": [TEXT] * 3}, **mine)[::3] == [413, "too_large"]
        refused = ask(TEXT, **mine)
        assert refused[::3] == [429, "rate_limited"]
        assert int(refused[2]) > 800
        assert ask(TEXT)[::3] == [401, "unauthorized"]


@pytest.mark.parametrize("origins", [(), (APP,), ("*",)])
def test_a_page_of_another_origin_reads_nothing(stranger: Page, settings: Settings, origins: tuple[str, ...]) -> None:
    with served(create_app(replace(settings, cors_origins=origins))) as url:
        wait_until(lambda: stranger.request.get(f"{url}/readyz").status == 200)
        told = stranger.evaluate(ASK, [f"{url}/predict/sentiment", json.dumps(TEXT), {"traceparent": "00-"}])
        assert told[0] == (200 if origins == ("*",) else "TypeError")
