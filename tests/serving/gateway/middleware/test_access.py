"""A gateway that asks for API keys."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from serving.gateway.app import close_app, create_app
from serving.gateway.middleware.key_file import KeyLine, make_key
from serving.gateway.open_routes import OPEN_ROUTES, PROBES
from serving.gateway.settings import Settings
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.problem_details import problem

INFER = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]}]}
ASKS = [
    ("POST", "/predict/sentiment", {"text": "a"}),
    ("POST", "/v2/models/sentiment/infer", INFER),
    ("POST", "/v1/models/sentiment:predict", {"instances": ["a"]}),
    ("GET", "/models", None),
    ("GET", "/models/sentiment/versions/1/contract", None),
    ("GET", "/v2/models/sentiment", None),
    ("GET", "/v1/models/sentiment/metadata", None),
    ("GET", "/openapi.json", None),
]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "api-keys"


@pytest.fixture
def made(key_file: Path) -> dict[str, str]:
    """Keys by their owner."""
    keys: dict[str, str] = {}
    lines: list[KeyLine] = []
    for owner in ("alice", "bob"):
        keys[owner], line = make_key(owner)
        lines.append(line)
    key_file.write_text("".join(f"{line}\n" for line in lines))
    return keys


@pytest.fixture
def rate() -> str:
    return ""


@pytest.fixture
def locked(settings: Settings, key_file: Path, made: dict[str, str], rate: str) -> Iterator[FlaskClient]:
    app = create_app(replace(settings, api_keys_file=key_file, rate_limit=rate))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    yield client
    close_app(app)


@pytest.mark.parametrize(("method", "path", "body"), ASKS)
def test_who_has_a_key_is_answered_and_who_has_none_is_not(
    locked: FlaskClient, made: dict[str, str], method: str, path: str, body: object
) -> None:
    for headers in ({"Authorization": f"Bearer {made['alice']}"}, {"X-API-Key": made["bob"]}):
        assert locked.open(path, method=method, json=body, headers=headers).status_code == 200
    basic = {"Authorization": f"Basic {made['alice']}"}
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer nonsense"}, {"X-API-Key": ""}, basic):
        reply = locked.open(path, method=method, json=body, headers=headers)
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="plumbline"'
        assert "sentiment" not in reply.get_data(as_text=True)


def test_a_refusal_is_a_problem_or_has_its_protocols_form(locked: FlaskClient) -> None:
    told = problem(locked.post("/predict/sentiment", json={"text": "a"}))
    assert told["code"] == "unauthorized"
    assert "Authorization: Bearer <key>" in told["detail"]
    assert locked.get("/v2/models/sentiment").get_json() == {"error": told["detail"]}


def test_every_route_is_closed_but_for_those_that_are_named(locked: FlaskClient) -> None:
    """Also one that comes later, or is none."""
    adapter = locked.application.url_map.bind("")
    rules = [rule for rule in locked.application.url_map.iter_rules() if "GET" in (rule.methods or ())]
    assert {rule.endpoint for rule in rules} >= OPEN_ROUTES
    assert {rule.endpoint: rule.rule for rule in rules if rule.endpoint in PROBES} == PROBES
    values = {"model": "sentiment", "version": 1, "label": "l", "filename": "page.js", "file": "swagger-ui.css"}
    for rule in rules:
        path = adapter.build(rule.endpoint, {name: values[name] for name in rule.arguments})
        with locked.get(path) as reply:
            assert (reply.status_code == 401) == (rule.endpoint not in OPEN_ROUTES), path
    assert locked.get("/nowhere").status_code == 401
    assert locked.put("/predict/sentiment").status_code == 401


def test_a_key_is_revoked_while_the_gateway_runs(locked: FlaskClient, made: dict[str, str], key_file: Path) -> None:
    def ask(owner: str) -> int:
        return locked.get("/models", headers={"X-API-Key": made[owner]}).status_code

    assert ask("alice") == 200
    _, bobs = key_file.read_text().splitlines()
    key_file.write_text(f"{bobs}\n")
    wait_until(lambda: ask("alice") == 401)
    assert ask("bob") == 200


def test_refused_requests_are_counted(locked: FlaskClient) -> None:
    locked.post("/predict/sentiment", json={"text": "a"})
    told = locked.get("/metrics").get_data(as_text=True)
    assert 'plumbline_gateway_requests_total{code="401",model="unknown",version="none"} 1.0' in told


@pytest.mark.parametrize("rate", ["3/hour"])
def test_each_owner_has_a_rate_of_its_own(locked: FlaskClient, made: dict[str, str]) -> None:
    def ask(owner: str) -> int:
        return locked.post("/predict/sentiment", json={"text": "a"}, headers={"X-API-Key": made[owner]}).status_code

    assert [ask("alice") for _ in range(3)] == [200] * 3
    reply = locked.post("/predict/sentiment", json={"text": "a"}, headers={"X-API-Key": made["alice"]})
    assert problem(reply)["code"] == "rate_limited"
    assert "rate limit exceeded: 3/hour for alice" in problem(reply)["detail"]
    assert int(reply.headers["Retry-After"]) in (1199, 1200)
    assert ask("bob") == 200
    assert locked.get("/readyz").status_code == 200


@pytest.mark.parametrize("rate", ["2/second"])
def test_after_the_time_that_it_is_told_an_owner_may_ask_again(locked: FlaskClient, made: dict[str, str]) -> None:
    def ask() -> tuple[int, int]:
        reply = locked.get("/models", headers={"X-API-Key": made["alice"]})
        return reply.status_code, int(reply.headers.get("Retry-After", "0"))

    asked = [ask() for _ in range(10)]
    assert {status for status, _ in asked} == {200, 429}
    time.sleep(max(wait for _, wait in asked))
    wait_until(lambda: ask()[0] == 200)


def test_without_a_key_file_nobody_needs_a_key(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    assert gateway.get("/models").status_code == 200
    assert "securitySchemes" not in gateway.get("/openapi.json").get_json()["components"]


def test_openapi_tells_of_the_keys(locked: FlaskClient, made: dict[str, str]) -> None:
    document = locked.get("/openapi.json", headers={"X-API-Key": made["alice"]}).get_json()
    assert document["paths"]["/predict/sentiment"]["post"]["security"] == [{"bearer": []}, {"key": []}]
    assert "401" in document["paths"]["/models"]["get"]["responses"]
    assert "security" not in document["paths"]["/readyz"]["get"]
