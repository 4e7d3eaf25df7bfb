"""What a key is for: some models, at a rate of its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from serving.gateway.app import close_app, create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.settings import Settings
from tests.serving.fake_model_server import wait_until
from tests.serving.gateway.problem_details import problem


@pytest.fixture
def made() -> dict[str, str]:
    return {}


@pytest.fixture
def locked(settings: Settings, tmp_path: Path, made: dict[str, str]) -> Iterator[FlaskClient]:
    """A gateway of sentiment, house_price and digits."""
    lines = []
    for owner, rights in {
        "some": ("sentiment,digits,later", ""),
        "few": ("sentiment", "2/hour"),
        "all": ("*", ""),
    }.items():
        made[owner], line = make_key(owner, *rights)
        lines.append(f"{line}\n")
    (tmp_path / "keys").write_text("".join(lines))
    app = create_app(replace(settings, api_keys_file=tmp_path / "keys", rate_limit="1000/hour"))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    yield client
    close_app(app)


def test_a_model_that_a_key_is_not_for_is_refused_on_every_route_that_names_a_model(
    locked: FlaskClient, made: dict[str, str]
) -> None:
    adapter = locked.application.url_map.bind("")
    values = {"model": "house_price", "version": 1, "label": "l"}
    rules = [rule for rule in locked.application.url_map.iter_rules() if "model" in rule.arguments]
    assert len(rules) >= 10
    for rule in rules:
        (method,) = (rule.methods or set()) & {"GET", "POST"}
        path = adapter.build(rule.endpoint, {name: values[name] for name in rule.arguments}, method)
        assert locked.open(path, method=method, headers={"X-API-Key": made["some"]}).status_code == 403, path
        assert locked.open(path, method=method, headers={"X-API-Key": made["all"]}).status_code != 403, path


def test_a_refusal_does_not_tell_whether_there_is_such_a_model(locked: FlaskClient, made: dict[str, str]) -> None:
    def told(model: str) -> dict[str, object]:
        return problem(locked.post(f"/predict/{model}", json={"text": "a"}, headers={"X-API-Key": made["some"]}))

    assert told("house_price")["code"] == "forbidden"
    assert told("house_price")["detail"] == (
        "the API key of some is not for model 'house_price'; it is for digits, later, sentiment"
    )
    assert told("no_such")["detail"] == str(told("house_price")["detail"]).replace("house_price", "no_such")
    assert told("later")["code"] == "unknown_model"
    assert "house_price" not in str(told("later")["detail"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/models"),
        ("GET", "/openapi.json"),
        ("GET", "/v2/models/stats"),
        ("POST", "/v2/repository/index"),
        ("GET", "/v2"),
        ("GET", "/nowhere"),
    ],
)
def test_what_is_listed_is_only_what_a_key_is_for(
    locked: FlaskClient, made: dict[str, str], method: str, path: str
) -> None:
    told = locked.open(path, method=method, headers={"X-API-Key": made["some"]}).get_data(as_text=True)
    everything = locked.open(path, method=method, headers={"X-API-Key": made["all"]}).get_data(as_text=True)
    assert "house_price" not in told
    assert ("digits" in told) == ("house_price" in everything) == (path not in ("/v2", "/nowhere"))


def test_a_key_with_a_rate_of_its_own_has_that(locked: FlaskClient, made: dict[str, str]) -> None:
    def ask(owner: str) -> int:
        return locked.post("/predict/sentiment", json={"text": "a"}, headers={"X-API-Key": made[owner]}).status_code

    assert [ask("few") for _ in range(4)] == [200, 200, 429, 429]
    assert [ask("some") for _ in range(4)] == [200] * 4


def test_refused_models_are_counted_under_no_name(locked: FlaskClient, made: dict[str, str]) -> None:
    locked.post("/predict/no_such", json={"text": "a"}, headers={"X-API-Key": made["some"]})
    told = locked.get("/metrics").get_data(as_text=True)
    assert 'plumbline_gateway_requests_total{code="403",model="unknown",version="none"} 1.0' in told
