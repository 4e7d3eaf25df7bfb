"""The images at work: one trains, the other answers with that model."""

import json
import socket
import subprocess
import time

import pytest

from tests.images.podman import (
    LITE,
    SERVE,
    TRAIN,
    Gateway,
    container,
    inspect,
    log,
    once,
    podman,
    state,
    wait_until_it_says,
)
from training.errors import ExitCode

pytestmark = pytest.mark.images

GRACE = ("stop", "--time", "30")
"""As Kubernetes does: SIGTERM, and after this time SIGKILL, which would be exit code 137."""


def test_the_train_image_publishes_as_its_user_and_tells_the_revision(trained, volumes):
    assert "house_price: published /models/house_price/1" in trained
    assert "house_price: report /reports/house_price/" in trained

    owners = once(SERVE, "/models", "-printf", "%U:%G ", options=["--entrypoint=find", volumes["/models"]])
    contract = "/models/house_price/1/assets.extra/contract.json"
    told = json.loads(once(SERVE, contract, options=["--entrypoint=cat", volumes["/models"]]))

    assert set(owners.split()) == {"10001:10001"}
    assert told["provenance"]["git_revision"] == inspect(TRAIN)["Labels"]["org.opencontainers.image.revision"]


def test_the_serve_image_answers_with_the_model_that_the_train_image_trained(gateway):
    example = gateway.ask("/models/house_price")["instance"]["example"]
    (prediction,) = gateway.ask("/predict/house_price", example)["predictions"]

    assert prediction["unit"] == "$1000"
    assert "3 examples agree with training" in podman("exec", gateway.name, "plumbline", "verify")


def test_its_health_check_passes_while_it_serves_and_only_then(gateway):
    podman("healthcheck", "run", gateway.name)

    _, program, *words = inspect(SERVE)["Healthcheck"]["Test"]
    assert "Connection refused" in once(SERVE, *words, options=[f"--entrypoint={program}"], code=1)


def test_on_sigterm_it_answers_what_it_has_begun_and_ends_with_0(start_gateway):
    with start_gateway() as gateway:
        body = json.dumps(gateway.ask("/models/house_price")["instance"]["example"]).encode()
        host, port = gateway.url.removeprefix("http://").split(":")
        head = f"POST /predict/house_price HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(head.encode() + b"\r\n\r\n" + body[:10])
            time.sleep(2)  # a worker takes it, and waits for the rest
            with subprocess.Popen(["podman", *GRACE, gateway.name], stdout=subprocess.DEVNULL) as stopping:
                wait_until_it_says(gateway.name, "Handling signal: term")
                connection.sendall(body[10:])
                reply = b"".join(iter(lambda: connection.recv(65536), b""))

        assert reply.startswith(b"HTTP/1.0 200 OK")
        assert stopping.returncode == 0
        assert state(gateway.name)["ExitCode"] == 0, log(gateway.name)


@pytest.mark.parametrize("moment", ["", "fold 1 of 4"], ids=["while it starts", "while it trains"])
def test_a_training_job_that_is_stopped_ends_with_the_code_for_another_try(moment):
    words = "train house_price --sample --recipe baseline --set epochs=100000".split()
    with container(TRAIN, *words, options=["--volume=/models", "--memory=4g"]) as name:
        wait_until_it_says(name, moment)
        podman(*GRACE, name)
        assert state(name)["ExitCode"] == ExitCode.RETRY, log(name)


def test_the_serve_image_lists_the_commands_that_it_has_and_says_what_others_need(trained, volumes):
    commands = once(SERVE, "--help").partition("Commands:")[2].partition("Examples:")[0]

    assert {"models", "serve", "verify"} <= {line.split()[0] for line in commands.splitlines() if line.strip()}
    assert "train" not in commands
    assert "'train' needs training, which is not installed here" in once(SERVE, "train", "all", code=1)
    up = once(SERVE, "up", "--models-dir", "/models", options=[volumes["/models"]], code=1)
    assert "nothing here computes models: put tensorflow_model_server on PATH" in up


def test_the_lite_image_answers_with_that_model_alone_and_without_tensorflow(trained, volumes):
    options = [volumes["/models"] + ":ro", "--publish=127.0.0.1::8000", "--memory=512m"]
    with container(LITE, options=options) as name:
        gateway = Gateway(name, "http://" + podman("port", name, "8000").strip())
        gateway.wait_until_ready()
        example = gateway.ask("/models/house_price")["instance"]["example"]
        (prediction,) = gateway.ask("/predict/house_price", example)["predictions"]

        assert prediction["unit"] == "$1000"
        assert gateway.ask("/models/house_price")["engine"] == "lite"
        assert "3 examples agree with training" in podman("exec", name, "plumbline", "verify")
