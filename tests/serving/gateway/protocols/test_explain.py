"""POST /explain/<model>, with a model server that answers over gRPC."""

import base64
import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from serving.contract import Answers
from serving.contract.arrays import Array, Features
from serving.contract.heads import Interval, TagSet, Value
from serving.gateway.app import close_app, create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.protocols.explain import MAX_OF_AN_OWNER, MAX_WAITING
from serving.gateway.settings import Settings
from tests.serving.contracts import planted, png, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.problem_details import problem

TEXT = {"text": "a good film, very bad"}
HOUSE = {"rooms": 5.0, "age": 30.0}


def heads(features: Features) -> dict[str, Array]:
    """Rooms are what tags and value are made of, the age is what the price is made of."""
    rooms, age = features["features"].astype(np.float64).T
    tags = np.stack([rooms * 0.1 + 0.5, 0 * rooms], axis=1)
    price = age[:, None] * 10 + [-1, 0, 1]
    outputs = {"tags": tags, "price": price, "value": rooms[:, None]}
    return {name: array.astype(np.float32) for name, array in outputs.items()}


@pytest.fixture
def settings(settings: Settings, model_server: FakeModelServer) -> Settings:
    answers = Answers(
        {"kind": TagSet(("big", "new"), (0.3, 0.3)), "price": Interval("EUR", 0.9), "size": Value("m2")},
        {"kind": "tags", "price": "price", "size": "value"},
    )
    single = tabular_contract("houses")
    example = replace(
        single.examples[0], outputs={name: array[0] for name, array in heads(single.features([HOUSE])).items()}
    )
    model_server.publish(replace(single, answers=answers, examples=(example,)), model=heads)
    return replace(settings, models=(*settings.models, "houses"))


def explained(gateway: FlaskClient, path: str, body: Any = TEXT) -> dict[str, Any]:
    reply = gateway.post(f"/explain/{path}", json=body)
    assert reply.status_code == 200, reply.get_json()
    found: dict[str, Any] = reply.get_json()
    return found


def refused(gateway: FlaskClient, path: str, body: Any = TEXT) -> tuple[int, str, str]:
    told = problem(gateway.post(f"/explain/{path}", json=body))
    return told["status"], told["code"], told["detail"]


def test_the_reply_has_the_prediction_and_what_its_words_carried(gateway: FlaskClient) -> None:
    predicted = gateway.post("/predict/sentiment", json=TEXT).get_json()["predictions"][0]

    reply = explained(gateway, "sentiment")

    explanation = reply["explanation"]
    assert (reply["model"], reply["version"], reply["prediction"]) == ("sentiment", 1, predicted)
    assert {name: explanation[name] for name in ("method", "head", "target", "unit", "exact", "complete", "gap")} == {
        **{"method": "shapley", "head": None, "target": predicted["label"], "unit": None},
        **{"exact": True, "complete": True, "gap": 0.0},
    }
    assert explanation["score"] == predicted["score"]
    assert explanation["evaluations"] == 32
    assert [(part["start"], part["end"], part["text"]) for part in explanation["parts"]] == [
        (0, 1, "a"),
        (2, 6, "good"),
        (7, 12, "film,"),
        (13, 17, "very"),
        (18, 21, "bad"),
    ]


def test_calls_to_the_model_server_are_merged_and_the_same_request_has_the_same_reply(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    body = {"text": " ".join(TEXT["text"] for _ in range(8))}
    model_server.rows.clear()

    first, second = (explained(gateway, "sentiment?budget=300", body) for _ in range(2))

    assert first == second
    assert first["explanation"]["evaluations"] == sum(model_server.rows) / 2 <= 300
    assert len(model_server.rows) / 2 == 1 + -(-(first["explanation"]["evaluations"] - 1) // 64)


def test_a_picture_may_be_sent_as_a_file_a_form_or_json(gateway: FlaskClient) -> None:
    file = png(120, (40, 30))
    sent = [
        {"data": file, "content_type": "image/png"},
        {"data": {"image": (io.BytesIO(file), "a.png")}},
        {"json": {"image": base64.b64encode(file).decode()}},
        {"json": {"instances": [{"image": base64.b64encode(file).decode()}]}},
    ]

    replies = [gateway.post("/explain/digits?budget=200", **each).get_json() for each in sent]

    assert replies[1:] == replies[:1] * 3
    assert replies[0]["explanation"]["pictures"] == [{"field": "image", "width": 40, "height": 30}]
    assert replies[0]["explanation"]["parts"][0]["box"] == [0, 0, 5, 4]


@pytest.mark.parametrize(
    ("query", "head", "target", "unit", "carried_by"),
    [
        ("", "kind", "big", None, "rooms"),
        ("?head=kind&target=new", "kind", "new", None, None),
        ("?head=price", "price", "value", "EUR", "age"),
        ("?head=price&target=low&method=occlusion", "price", "low", "EUR", "age"),
        ("?head=size", "size", "value", "m2", "rooms"),
    ],
)
def test_of_several_heads_one_is_explained(
    gateway: FlaskClient, query: str, head: str, target: str, unit: str, carried_by: str | None
) -> None:
    found = explained(gateway, f"houses{query}", {"rooms": 7.0, "age": 80.0})["explanation"]

    assert (found["head"], found["target"], found["unit"]) == (head, target, unit)
    assert [part["field"] for part in found["parts"] if part["contribution"]] == [carried_by] * (carried_by is not None)


@pytest.mark.parametrize(
    ("path", "status", "code", "detail"),
    [
        ("nobody", 404, "unknown_model", "unknown model 'nobody'"),
        ("sentiment?version=9", 404, "unknown_version", "version 9 is not available"),
        ("sentiment?label=stable&version=1", 400, "malformed_request", "'version' or 'label' in the query, got both"),
        (
            "sentiment?metod=occlusion",
            400,
            "malformed_request",
            "expected only version, label, target, head, method, budget in the query, got 'metod'",
        ),
        (
            "sentiment?method=magic",
            400,
            "malformed_request",
            "expected shapley or occlusion as 'method' in the query, got 'magic'",
        ),
        (
            "sentiment?budget=513",
            400,
            "malformed_request",
            "of at most 512 (EXPLAIN_BUDGET) as 'budget' in the query, got '513'",
        ),
        ("sentiment?budget=-8", 400, "malformed_request", "got '-8'"),
        ("sentiment?budget=%D9%A3", 400, "malformed_request", "got '٣'"),
        (
            "sentiment?target=furious",
            422,
            "invalid_explanation",
            "target: expected one of 'negative', 'positive', got 'furious'",
        ),
        ("sentiment?head=other", 422, "invalid_explanation", "head: expected 'answer', got 'other'"),
        ("sentiment?target=", 422, "invalid_explanation", "got ''"),
    ],
)
def test_a_request_that_can_not_be_explained_says_why(
    gateway: FlaskClient, path: str, status: int, code: str, detail: str
) -> None:
    told = refused(gateway, path)

    assert told[:2] == (status, code)
    assert detail in told[2]


def test_one_instance_is_explained_and_no_more(gateway: FlaskClient) -> None:
    assert refused(gateway, "sentiment", {"instances": [TEXT, TEXT]}) == (
        *(413, "too_large"),
        "expected one instance to explain, got 2",
    )
    assert refused(gateway, "sentiment", {"instances": []})[:2] == (400, "malformed_request")


def test_an_instance_that_breaks_the_contract_is_told_with_its_place(gateway: FlaskClient) -> None:
    told = problem(gateway.post("/explain/house_price", json={"rooms": "many"}))

    assert (told["status"], told["code"]) == (422, "invalid_instance")
    assert [error["pointer"] for error in told["errors"]] == ["/rooms", "/age"]


def test_more_columns_than_the_budget_allows_are_refused(gateway: FlaskClient) -> None:
    assert refused(gateway, "house_price?budget=5", {"rooms": 6.5, "age": 20.0}) == (
        *(422, "invalid_explanation"),
        "budget: expected at least 6, 2 for each field and 2, got 5",
    )


def test_what_the_deadline_cuts_is_answered_as_incomplete(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    model_server.delay_seconds = 0.4
    long = {"text": " ".join([TEXT["text"]] * 8)}

    reply = gateway.post("/explain/sentiment", json=long, headers={"X-Request-Timeout": "2.9"})
    late = problem(gateway.post("/explain/sentiment", json=long, headers={"X-Request-Timeout": "0.8"}))

    explanation = reply.get_json()["explanation"]
    assert (explanation["complete"], explanation["exact"], explanation["gap"]) == (False, False, 0.0)
    assert 80 < explanation["evaluations"] < 512
    assert (late["status"], late["code"]) == (504, "model_server_timeout")
    assert "the deadline passed before the answer was explained" in late["detail"]


def test_without_a_budget_there_are_no_explanations(settings: Settings) -> None:
    app = create_app(replace(settings, explain_budget=0))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)

    told = refused(client, "sentiment")
    paths = client.get("/openapi.json").get_json()["paths"]
    close_app(app)

    assert told == (
        404,
        "no_explanations",
        "sentiment: this gateway explains no answers: its setting EXPLAIN_BUDGET is 0",
    )
    assert not [path for path in paths if "explain" in path]


@pytest.fixture
def busy(gateway: FlaskClient, model_server: FakeModelServer) -> Iterator[list[int]]:
    """As many callers as run and wait, whose statuses are listed once they are answered."""
    model_server.delay_seconds = 1.0
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(gateway.application.test_client().post("/explain/sentiment", json=TEXT).status_code)

    callers = [threading.Thread(target=ask) for _ in range(1 + MAX_WAITING)]
    model_server.rows.clear()
    callers[0].start()
    wait_until(lambda: bool(model_server.rows))
    for caller in callers[1:]:
        caller.start()
    yield statuses
    for caller in callers:
        caller.join()


def test_one_explanation_runs_a_few_wait_and_predictions_go_on(
    gateway: FlaskClient, model_server: FakeModelServer, busy: list[int]
) -> None:
    wait_until(lambda: gateway.post("/explain/sentiment", json=TEXT).status_code == 429)
    model_server.delay_seconds = 0.0
    told = gateway.post("/explain/house_price", json=HOUSE)
    predicted = gateway.post("/predict/sentiment", json=TEXT)

    assert predicted.status_code == 200
    if told.status_code == 429:
        assert problem(told)["detail"] == "explanations: the queue is full: 4 requests are waiting; try again later"
        assert told.headers["Retry-After"] == "1"


def test_keys_and_rates_hold_as_for_predictions(settings: Settings, tmp_path: Any) -> None:
    key, line = make_key("alice", "sentiment")
    (tmp_path / "keys").write_text(f"{line}\n")
    app = create_app(replace(settings, api_keys_file=tmp_path / "keys", rate_limit="3/minute"))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    headers = {"Authorization": f"Bearer {key}"}

    found = [
        client.post(f"/explain/{model}", json=TEXT, headers=sent).status_code
        for model, sent in [("sentiment", {}), ("sentiment", headers), ("digits", headers)]
    ]
    many = [client.post("/explain/sentiment", json=TEXT, headers=headers).status_code for _ in range(3)]
    close_app(app)

    assert found == [401, 200, 403]
    assert 429 in many


def test_an_owner_of_keys_leaves_room_for_others(
    settings: Settings, model_server: FakeModelServer, tmp_path: Any
) -> None:
    made = {owner: make_key(owner) for owner in ("alice", "bob")}
    (tmp_path / "keys").write_text("".join(f"{line}\n" for _, line in made.values()))
    app = create_app(replace(settings, api_keys_file=tmp_path / "keys"))
    wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
    replies: dict[str, list[TestResponse]] = {"alice": [], "bob": []}

    def ask(owner: str) -> None:
        headers = {"X-API-Key": made[owner][0]}
        replies[owner].append(app.test_client().post("/explain/sentiment", json=TEXT, headers=headers))

    model_server.delay_seconds = 1.0
    callers = [threading.Thread(target=ask, args=["alice"]) for _ in range(1 + MAX_WAITING)]
    for caller in callers:
        caller.start()
    wait_until(lambda: len(replies["alice"]) == 1 + MAX_WAITING - MAX_OF_AN_OWNER)
    model_server.delay_seconds = 0.0
    ask("bob")
    for caller in callers:
        caller.join()
    close_app(app)

    assert [reply.status_code for reply in replies["alice"]] == [429, 429, 429, 200, 200]
    assert problem(replies["alice"][0])["detail"] == (
        "explanations: 2 requests of alice run or wait already; try again later"
    )
    assert [reply.status_code for reply in replies["bob"]] == [200]


def test_explanations_are_counted_apart_from_predictions(gateway: FlaskClient) -> None:
    explained(gateway, "sentiment")
    gateway.post("/explain/nobody", json=TEXT)
    gateway.options("/explain/sentiment")

    metrics = gateway.get("/metrics").get_data(as_text=True)

    assert 'plumbline_gateway_explain_requests_total{code="200",model="sentiment"} 1.0' in metrics
    assert 'plumbline_gateway_explain_requests_total{code="404",model="unknown"} 1.0' in metrics
    assert 'plumbline_gateway_explain_predictions_total{model="sentiment"} 32.0' in metrics
    assert 'plumbline_gateway_explain_seconds_count{model="sentiment"} 1.0' in metrics
    assert 'plumbline_gateway_explain_requests_total{code="200",model="unknown"}' not in metrics
    assert "plumbline_gateway_requests_total{" not in metrics


def test_a_version_that_is_removed_meanwhile_is_followed_by_the_next(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    model_server.publish(text_contract(weights=1), version=2, weights=1)
    wait_until(lambda: explained(gateway, "sentiment")["version"] == 2)
    model_server.withdraw("sentiment", 2)

    assert explained(gateway, "sentiment")["version"] == 1
    assert explained(gateway, "sentiment?version=1")["version"] == 1


def test_an_answer_that_is_not_finite_without_a_part_is_told_as_such(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    def odd(features: Features) -> Array:
        rooms, age = features["features"].T
        return np.where((rooms == -1) & (age > 0), np.nan, rooms)[:, None].astype(np.float32)

    model_server.publish(planted(tabular_contract(), odd), version=2, model=odd)
    wait_until(lambda: gateway.post("/predict/house_price", json=HOUSE).get_json().get("version") == 2)

    told = refused(gateway, "house_price", {"rooms": 7.5, "age": 80.0})

    assert told == (
        *(502, "model_server_error"),
        "house_price: expected finite numbers of the model without parts of the instance, got NaN or infinity: "
        "it has an answer, but none that can be explained",
    )
