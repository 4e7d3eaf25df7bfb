import json

from click.testing import CliRunner
from flask.testing import FlaskClient

from serving.commands.verify import verify
from serving.contract import Contract
from serving.gateway.settings import Settings
from tests.serving.contracts import EVALUATION, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.problem_details import problem


def test_all_models_are_listed(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    listed = gateway.get("/models").get_json()["models"]
    assert [model["name"] for model in listed] == ["sentiment", "house_price", "digits"]
    assert listed[0] == {
        "name": "sentiment",
        "ready": True,
        "versions": [1],
        "engine": "tensorflow",
        "data": "sample",
        "recipe": "baseline",
        "metrics": EVALUATION,
    }


def test_newer_versions_that_could_not_be_loaded_are_named_with_the_reason(
    gateway: FlaskClient, model_server: FakeModelServer, address: str
) -> None:
    model_server.broken["sentiment"] = "no saved_model.pb"
    wait_until(lambda: "failed" in gateway.get("/models").get_json()["models"][0])

    assert gateway.get("/models/sentiment").get_json()["failed"] == {"9": "no saved_model.pb"}
    assert gateway.get("/readyz").get_json()["models"]["sentiment"]["failed"] == {"9": "no saved_model.pb"}
    verified = CliRunner().invoke(verify, ["sentiment", "--url", f"http://{address}"])
    assert verified.exit_code == 0
    assert "sentiment: version 9 could not be loaded: no saved_model.pb" in verified.output


def test_a_model_tells_what_it_takes_and_gives(gateway: FlaskClient) -> None:
    told = gateway.get("/models/house_price").get_json()
    contract = tabular_contract()
    assert told["instance"] == {
        "schema": contract.record.schema,
        "controls": {"rooms": "number", "age": "number"},
        "example": contract.examples[0].instance,
    }
    assert told["answer"] == {"unit": "1000 USD", "schema": contract.answers.schema}
    assert told["provenance"] == contract.provenance
    assert (told["version"], told["versions"], told["ready"], told["refused"]) == (1, [1], True, {})
    labels = gateway.get("/models/sentiment").get_json()["answer"]
    assert labels["labels"] == ["negative", "positive"]


def test_a_models_example_is_answered(gateway: FlaskClient) -> None:
    for model in ("sentiment", "house_price", "digits"):
        example = gateway.get(f"/models/{model}").get_json()["instance"]["example"]
        assert gateway.post(f"/predict/{model}", json=example).status_code == 200


def test_the_contract_is_given_as_the_model_carries_it(gateway: FlaskClient) -> None:
    reply = gateway.get(gateway.get("/models/sentiment").get_json()["contract"])
    assert reply.data == text_contract().to_json().encode()
    assert Contract.from_json(reply.data).model == "sentiment"


def test_a_refused_version_is_shown_with_its_reason(gateway: FlaskClient, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract(), 2, weights=1)
    wait_until(lambda: bool(gateway.get("/models/sentiment").get_json()["refused"]))
    told = gateway.get("/models/sentiment").get_json()
    assert told["versions"] == [1]
    assert told["ready"]
    assert "scores are off" in told["refused"]["2"]


def test_a_model_that_is_not_served_is_listed_with_the_problem(
    gateway: FlaskClient, model_server: FakeModelServer
) -> None:
    model_server.withdraw("digits", 1)
    wait_until(lambda: not gateway.get("/models/digits").get_json()["ready"])
    assert gateway.get("/models/digits").get_json() == {
        "name": "digits",
        "ready": False,
        "versions": [],
        "problem": "the model server has no such model",
        "refused": {},
    }


def test_what_is_not_there_is_404(gateway: FlaskClient) -> None:
    assert problem(gateway.get("/models/zebra"))["code"] == "unknown_model"
    assert problem(gateway.get("/models/zebra/versions/1/contract"))["code"] == "unknown_model"
    assert problem(gateway.get("/models/digits/versions/9/contract"))["code"] == "unknown_version"


def test_all_replies_are_json(gateway: FlaskClient) -> None:
    for path in ("/models", "/models/digits", "/models/digits/versions/1/contract", "/healthz", "/readyz"):
        reply = gateway.get(path)
        assert reply.mimetype == "application/json"
        json.loads(reply.data)


def test_the_limits_of_a_request_are_told(gateway: FlaskClient, settings: Settings) -> None:
    limits = gateway.get("/models").get_json()["limits"]
    assert limits == {"instances": settings.max_instances, "body_bytes": settings.max_body_bytes}
