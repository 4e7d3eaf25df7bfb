import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from serving.commands.models import models
from serving.commands.verify import verify
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import image_contract, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.stack import free_port

MODELS = ("sentiment", "house_price", "digits")


class Silent(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def url(model_server: FakeModelServer) -> Iterator[str]:
    for contract in (text_contract(), tabular_contract(), image_contract()):
        model_server.publish(contract)
    with served(create_app(Settings(model_server=model_server.address, models=MODELS, refresh_seconds=0.05))) as url:
        yield url


@contextmanager
def served(app: Flask) -> Iterator[str]:
    wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
    server = make_server("127.0.0.1", 0, app, handler_class=Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    close_app(app)


def run(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)  # type: ignore[arg-type]


def nobody() -> str:
    return f"http://127.0.0.1:{free_port()}"


def test_a_canary_does_not_get_in_the_way(model_server: FakeModelServer) -> None:
    for version in (1, 2):
        model_server.publish(text_contract(weights=version), version, weights=version)
    canary = {"sentiment": {2: 90.0}}
    settings = Settings(model_server=model_server.address, models=("sentiment",), refresh_seconds=0.05, canary=canary)
    with served(create_app(settings)) as url:
        result = run(verify, "--url", url)
    assert result.output == "sentiment: version 1: 2 examples agree with training\n"


def test_models_that_compute_what_training_did_are_verified(url: str) -> None:
    result = run(verify, "--url", url)
    assert result.output.splitlines() == [f"{model}: version 1: 2 examples agree with training" for model in MODELS]
    assert result.exit_code == 0


def test_named_models_only(url: str) -> None:
    result = run(verify, "--url", url, "digits")
    assert result.output.splitlines() == ["digits: version 1: 2 examples agree with training"]


def test_a_model_that_computes_otherwise_fails_by_name(url: str, model_server: FakeModelServer) -> None:
    model_server.publish(tabular_contract(), model=lambda features: features["features"][:, :1])
    result = run(verify, "--url", url)
    assert result.exit_code == 1
    verdicts = result.output.splitlines()
    assert verdicts[1].startswith("house_price: FAILED: example 0: 'value' is -1.0, training computed ")
    assert "agree" in verdicts[0]
    assert "agree" in verdicts[2]


def test_another_label_fails(url: str, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract(), model=lambda features: 1 - features["ids"][:, :1].astype("f4"))
    result = run(verify, "--url", url, "sentiment")
    assert result.exit_code == 1
    assert "'label' is 'negative', training computed 'positive'" in result.output


def test_a_model_that_is_not_ready_fails_with_the_reason(url: str, model_server: FakeModelServer) -> None:
    model_server.withdraw("digits", 1)
    wait_until(lambda: "no such model" in run(verify, "--url", url, "digits").output)
    assert run(verify, "--url", url, "digits").exit_code == 1


def test_a_model_that_is_not_configured_fails(url: str) -> None:
    result = run(verify, "--url", url, "zebra")
    assert result.exit_code == 1
    assert "zebra: FAILED: unknown model 'zebra'" in result.output


@pytest.mark.parametrize("command", [verify, models])
def test_without_a_gateway_the_message_says_so(command: object) -> None:
    result = run(command, "--url", nobody())
    assert result.exit_code == 1
    assert "no gateway answers at http://127.0.0.1:" in result.output
    assert "is it running?" in result.output


@pytest.mark.parametrize("command", [verify, models])
def test_another_server_is_noticed(command: object, url: str) -> None:
    result = run(command, "--url", f"{url}/metrics?")  # answers whatever is asked, and not in JSON
    assert result.exit_code == 1
    assert "is not a gateway of Plumbline's" in result.output


@pytest.mark.parametrize("command", [verify, models])
def test_an_address_that_is_no_url_is_refused(command: object) -> None:
    result = run(command, "--url", "localhost:8000")
    assert result.exit_code == 1
    assert "expected a URL such as http://127.0.0.1:8000, got 'localhost:8000'" in result.output


@pytest.mark.parametrize("command", [verify, models])
def test_help_has_examples(command: object) -> None:
    assert "--url http://gateway:8000" in run(command, "--help").output


def test_models_are_listed_as_a_table(url: str, model_server: FakeModelServer) -> None:
    model_server.withdraw("digits", 1)
    wait_until(lambda: "no such model" in run(models, "--url", url).output)
    assert [line.split() for line in run(models, "--url", url).output.splitlines()] == [
        "MODEL READY VERSIONS DATA RECIPE METRIC".split(),
        "sentiment yes 1 sample baseline accuracy 0.91 (baseline 0.5)".split(),
        "house_price yes 1 sample baseline accuracy 0.91 (baseline 0.5)".split(),
        "digits no - - - -".split(),
        "digits: the model server has no such model".split(),
    ]


def test_it_asks_where_up_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9")
    result = CliRunner().invoke(verify, [])
    assert "no gateway answers at http://127.0.0.1:9 " in result.output
    assert "Is that its address?" in result.output
