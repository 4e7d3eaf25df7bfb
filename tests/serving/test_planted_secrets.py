"""Secrets that are planted everywhere they could stand come up nowhere: logs, metrics, problems, reports, manifests.

Images are in tests/images/test_contents.py.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
import yaml

from serving.batch.errors import BadInput
from serving.batch.files import files_of
from serving.captures import read_captures
from serving.commands.gateway_client import GatewayClient, GatewayError
from serving.gateway.app import close_app, create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.middleware.logs import JsonFormatter, TextFormatter
from serving.gateway.settings import InvalidSettings, Settings
from serving.model_store.errors import UnusableAddress
from serving.model_store.store import StorePlace
from tests.serving.contracts import tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_serve import Running

ROOT = Path(__file__).parents[2]
MARK = "Planted"
"""It is in each secret, and nowhere else."""
TOKEN = f"plumbline_{MARK}-token-that-nobody-has-4HLgKOVsvFRAmm"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": f"AKIA{MARK}",
    "AWS_SECRET_ACCESS_KEY": f"{MARK}/s3",
    "AWS_SESSION_TOKEN": f"{MARK}/session",
    "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{MARK}",
    "PLUMBLINE_API_KEY": TOKEN,
    "HTTPS_PROXY": f"http://me:{MARK}@proxy.invalid:3128",
    "GIT_ASKPASS_TOKEN": f"ghp_{MARK}",
}
LINES = [
    "GET /models HTTP/1.1\r\nHost: a\r\nAuthorization Bearer {}",  # without its colon
    "GET /models HTTP/1.1\r\nHost: a\r\nX-API-Key : {}",
    "GET /models HTTP/1.1\r\nHost: a\r\nX-A: a\r\n {}",
    "GET /models?key={} HTTP/9.9\r\nHost: a",
    "GET  /models?key={}  HTTP/1.1\r\nHost: a",
    "{} /models HTTP/1.1\r\nHost: a",
    "POST /predict/sentiment?key={} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "GET /models?key={} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nCookie: key={}\r\nConnection: close",
    "GET /models HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {}\r\nX-Request-Timeout: 0\r\nConnection: close",
    "POST /v1/models/sentiment:predict HTTP/1.1\r\nHost: a\r\nX-API-Key: {}\r\nContent-Length: 0\r\nConnection: close",
]
"""Requests that are wrong, each with a secret where a caller could put it."""


@pytest.fixture(params=["text", "json"])
def running(request: pytest.FixtureRequest, model_server: FakeModelServer, tmp_path: Path) -> Iterator[Running]:
    model_server.publish(text_contract())
    (tmp_path / "metrics").mkdir()
    key, line = make_key("alice", "sentiment", "1000/hour")
    (tmp_path / "keys").write_text(f"{line}\n")
    more = {"API_KEYS_FILE": str(tmp_path / "keys"), "MODELS": "sentiment", "LOG_FORMAT": request.param, **ENVIRONMENT}
    running = Running(model_server.address, tmp_path / "metrics", tmp_path / "log", **more)
    running.key = key  # type: ignore[attr-defined]
    try:
        wait_until(running.ready)
        yield running
    finally:
        running.process.terminate()
        running.process.wait()


def test_a_gateway_tells_none_in_its_log_its_metrics_and_its_problems(running: Running) -> None:
    key = running.key  # type: ignore[attr-defined]
    replies = [sent(running.port, line.replace("{}", TOKEN)) for line in LINES]
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    for body in ("{", '{"text": 5}', '{"text": "a"}'):
        replies.append(running.ask("POST", "/predict/sentiment", body, **headers)[1])
    replies.append(running.ask("GET", "/models/digits", None, **headers)[1])
    shown = [running.ask("GET", path)[1] for path in ("/metrics", "/readyz", "/", "/docs")]
    shown += [running.ask("GET", path, None, **headers)[1] for path in ("/models", "/openapi.json", "/v2")]
    running.process.terminate()
    running.process.wait()

    assert "alice" in running.log
    assert "400" in replies[0]
    for text in [running.log, *replies, *shown]:
        assert MARK not in text
        assert key not in text


def sent(port: int, text: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"{text}\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def test_the_trace_of_an_unexpected_error_tells_none(
    model_server: FakeModelServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model_server.publish(text_contract())
    key, line = make_key("alice")
    (tmp_path / "keys").write_text(f"{line}\n")
    settings = Settings(model_server=model_server.address, models=("sentiment",), api_keys_file=tmp_path / "keys")
    app = create_app(replace(settings, refresh_seconds=0.05))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("a bug")

    try:
        headers = {"Authorization": f"Bearer {key}", "Cookie": f"key={MARK}"}
        reply = app.test_client().get(f"/broken?key={MARK}", headers=headers)
    finally:
        close_app(app)
    (record,) = [each for each in caplog.records if each.exc_info]

    assert reply.status_code == 500
    for text in (reply.text, JsonFormatter().format(record), TextFormatter().format(record)):
        assert MARK not in text
        assert key not in text


def test_captures_tell_none_of_what_may_not_be_kept(model_server: FakeModelServer, tmp_path: Path) -> None:
    text = text_contract()
    model_server.publish(text)
    houses = tabular_contract()
    model_server.publish(replace(houses, capture={"rooms": "drop", "age": "hash"}))
    (tmp_path / "key").write_text(f"{MARK}, of the gateway")
    settings = Settings(model_server=model_server.address, models=(text.model, houses.model), refresh_seconds=0.05)
    captures = {"capture": str(tmp_path / "captures"), "capture_hash_key_file": tmp_path / "key"}
    app = create_app(replace(settings, **captures))  # type: ignore[arg-type]
    client = app.test_client()
    try:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        values = (MARK, [MARK], {MARK: MARK}, None)
        odd = [{name: value, MARK: MARK} for name in ("text", "rooms", "age") for value in values]
        for model in (text.model, houses.model):
            for instance in [{"text": MARK}, *odd, MARK, [MARK]]:
                client.post(f"/predict/{model}", json={"instances": [instance, {"rooms": 5.0, "age": 3.0}]})
                client.post(f"/v1/models/{model}:predict", json={"instances": [instance]})
                client.post(f"/v2/models/{model}/infer", json={"inputs": [instance]})
            model_server.failure = grpc.StatusCode.INTERNAL, f"a kernel failed with {MARK}"
            client.post(f"/predict/{model}", json={"text": MARK} if model == text.model else {"rooms": 5.0, "age": 3.0})
            model_server.failure = None
            client.post(f"/predict/{model}", json={"text": MARK} if model == text.model else {"rooms": 5.0, "age": 3.0})
    finally:
        close_app(app)
    found = {model: [*read_captures(str(tmp_path / "captures"), model)] for model in (text.model, houses.model)}
    lines = [capture.to_json() for captures in found.values() for capture in captures]

    assert [{capture.status for capture in captures} for captures in found.values()] == [{200, 422, 502}] * 2
    assert len(lines) > 60
    assert not [line for line in lines if MARK in line]
    assert {str(capture.instance)[:20] for capture in found[houses.model] if capture.status == 200} == {
        "{'age': 'hmac-sha256"
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODEL_SERVER", f"http://me:{MARK}@host"),
        ("API_KEYS_FILE", TOKEN),
        ("MODEL_SERVER_KEY", f"-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n"),
        ("CORS_ORIGINS", f"https://me:{MARK}@host"),
        ("CAPTURE", f"s3://me:{MARK}@bucket"),
    ],
)
def test_a_secret_in_the_place_of_another_setting_is_not_repeated(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings) as error:
        Settings.from_env({name: value})

    assert f"{name}='" in str(error.value)
    assert MARK not in str(error.value)


def test_a_line_of_the_key_file_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"alice {TOKEN}\nbob sha256:{MARK}\n")
    with pytest.raises(InvalidSettings) as error:
        Settings.from_env({"API_KEYS_FILE": str(tmp_path / "keys")})

    assert "in line 1, 2" in str(error.value)
    assert MARK not in str(error.value)


def test_files_of_tls_are_not_repeated(tmp_path: Path) -> None:
    files = {f"MODEL_SERVER_{name}": tmp_path / name for name in ("CA", "CERT", "KEY")}
    for file in files.values():
        file.write_text(f"-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n")
    with pytest.raises(InvalidSettings) as error:
        Settings.from_env({name: str(file) for name, file in files.items()})

    assert "its key without a password" in str(error.value)
    assert MARK not in str(error.value)


def test_addresses_with_a_password_are_refused_since_names_of_files_are_told() -> None:
    url = f"https://me:{MARK}@host/a.csv"
    for call, kind in ((files_of, BadInput), (GatewayClient, GatewayError), (StorePlace.of, UnusableAddress)):
        with pytest.raises(kind, match="without user and password") as error:
            call(url)
        assert MARK not in str(error.value)


def test_a_training_tells_none_in_its_output_its_report_and_what_it_publishes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "serving", "train", "house_price", "--sample", "--recipe", "baseline"]
    command += ["--models-dir", str(tmp_path / "models"), "--reports-dir", str(tmp_path / "reports")]
    command += ["--protocol", "holdout"]  # rather than four folds
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    names = {path.name for path in files}

    assert names >= {"report.html", "metrics.json", "contract.json", "saved_model.pb"}
    assert MARK not in done.stdout + done.stderr
    assert [path for path in files if MARK.encode() in path.read_bytes()] == []


def test_no_image_is_built_of_files_that_hold_secrets() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    assert "*" in ignored
    assert {"**/.env", "**/*.key", "**/*.pem", "**/api-keys*"} <= {*ignored[ignored.index("!training") :]}


def test_manifests_name_secrets_and_hold_none() -> None:
    """What is called a key, password or token is the path of a mounted file, or is taken from a Secret."""
    files = [*ROOT.joinpath("k8s").rglob("*.yaml"), ROOT / "compose.yaml"]
    secret = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL)", re.IGNORECASE)
    documents = [each for file in files for each in yaml.safe_load_all(file.read_text()) if each]
    values = [value for name, value in variables(documents) if secret.search(name)]

    assert not [each for each in documents if isinstance(each, dict) and each.get("kind") == "Secret"]
    assert len(values) >= 2
    for value in values:
        assert value is None or str(value).startswith("/"), value


def variables(node: object) -> Iterator[tuple[str, object]]:
    """Yield the environment variables in a document, in Kubernetes' form and in compose's."""
    if isinstance(node, list):
        for each in node:
            yield from variables(each)
    elif isinstance(node, dict):
        if isinstance(node.get("name"), str) and ("value" in node or "valueFrom" in node):
            yield node["name"], node.get("value")
        if isinstance(node.get("environment"), dict):
            yield from node["environment"].items()
        for each in node.values():
            yield from variables(each)
