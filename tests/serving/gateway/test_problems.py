import time
from typing import NoReturn

import pytest
from flask.testing import FlaskClient

import serving.errors
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from tests.serving.fake_model_server import FakeModelServer
from tests.serving.gateway.problem_details import problem


def every_error() -> list[type[serving.errors.PredictionError]]:
    found = [serving.errors.PredictionError]
    for error in found:
        found.extend(error.__subclasses__())
    return found


def test_what_is_not_there_is_a_problem(gateway: FlaskClient) -> None:
    told = problem(gateway.get("/nowhere"))
    assert (told["status"], told["code"], told["title"]) == (404, "not_found", "Not found")


@pytest.mark.parametrize("path", ["/healthz", "/models//sentiment"])
@pytest.mark.parametrize("host", ["a..b", "x" * 64])
def test_a_host_of_no_possible_name_is_a_problem(gateway: FlaskClient, host: str, path: str) -> None:
    told = problem(gateway.get(path, headers={"Host": host}))
    assert (told["status"], told["code"]) == (400, "bad_request")


def test_a_wrong_method_is_a_problem_that_lists_the_right_ones(gateway: FlaskClient) -> None:
    reply = gateway.get("/predict/sentiment")
    assert problem(reply)["code"] == "method_not_allowed"
    assert "POST" in reply.headers["Allow"]


def test_an_unexpected_error_tells_nothing_but_is_logged(
    gateway: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> NoReturn:
        raise RuntimeError("the secret of the gateway")

    gateway.application.view_functions["health.alive"] = fails
    told = problem(gateway.get("/healthz"))
    assert (told["status"], told["code"]) == (500, "internal")
    assert "secret" not in str(told)
    assert "the secret of the gateway" in caplog.text


def test_what_grpc_says_goes_to_the_log_only(
    gateway: FlaskClient, model_server: FakeModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    model_server.stop()
    told = problem(gateway.post("/predict/sentiment", json={"text": "a"}))
    assert told["detail"] == "sentiment: the model server is not available"
    assert "sentiment: the model server is not available; UNAVAILABLE: " in caplog.text
    assert str(model_server.port) in caplog.text


def test_a_gateway_starts_without_its_model_server(model_server: FakeModelServer) -> None:
    model_server.stop()
    app = create_app(Settings(model_server=model_server.address, models=("sentiment",)))
    start = time.monotonic()
    reply = app.test_client().post("/predict/sentiment", json={"text": "a"})
    assert time.monotonic() - start < 1
    told = problem(reply)
    assert (told["status"], told["code"]) == (503, "model_not_ready")
    assert told["detail"] == "sentiment: not ready: the model server is not available"
    assert reply.headers["Retry-After"] == "1"
    close_app(app)


@pytest.mark.parametrize("error", every_error())
def test_every_error_has_a_status_and_a_code(error: type[serving.errors.PredictionError]) -> None:
    assert 400 <= error.status < 600
    assert error.code == error.code.lower().replace(" ", "_")
