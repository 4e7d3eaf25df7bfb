import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from serving.errors import (
    ModelServerError,
    ModelServerOverloaded,
    ModelServerRefused,
    ModelServerTimeout,
    ModelServerUnavailable,
    PredictionError,
    UnknownLabel,
    UnknownVersion,
)
from serving.tfserving import wire_pb2 as wire
from serving.tfserving.channel import open_channel
from serving.tfserving.client import ModelServerClient
from serving.tfserving.version_status import VersionState, VersionStatus
from tests.serving.contracts import tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until

STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
FEATURES = {"features": np.array([[0.5, -1.0]], np.float32)}


@pytest.fixture
def client(model_server: FakeModelServer) -> Iterator[ModelServerClient]:
    model_server.publish(tabular_contract())
    client = ModelServerClient(model_server.address)
    yield client
    client.close()


def answers(client: ModelServerClient) -> bool:
    try:
        client.predict("house_price", 1, FEATURES, 5)
    except ModelServerUnavailable:
        return False
    return True


def test_predict_gives_the_version_and_the_outputs(client: ModelServerClient, model_server: FakeModelServer) -> None:
    model_server.publish(tabular_contract(), 3, model=lambda features: features["features"][:, :1] * 2)
    version, outputs = client.predict("house_price", 3, FEATURES, 5)
    assert version == 3
    assert outputs["scores"].dtype == np.float32
    assert outputs["scores"].tolist() == [[1.0]]


def test_the_contract_comes_as_the_server_has_it(client: ModelServerClient) -> None:
    assert client.contract("house_price", 1, 5) == tabular_contract().to_json().encode()


def test_versions_tell_which_are_available_and_why_others_are_not(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    model_server.broken["house_price"] = "no saved_model.pb"
    statuses = client.versions("house_price", 5)
    assert statuses == (
        VersionStatus(1, VersionState.AVAILABLE),
        VersionStatus(9, VersionState.FAILED, "no saved_model.pb"),
    )


def test_what_is_not_served_is_an_unknown_version(client: ModelServerClient) -> None:
    with pytest.raises(UnknownVersion, match="house_price: version 2 is not available"):
        client.predict("house_price", 2, FEATURES, 5)
    with pytest.raises(UnknownVersion, match="zebra: no version"):
        client.versions("zebra", 5)


def test_a_label_stands_for_a_version(client: ModelServerClient, model_server: FakeModelServer) -> None:
    model_server.labels |= {("house_price", "stable"): 1, ("house_price", "next"): 2}
    assert client.labelled("house_price", "stable", 5) == 1
    for label in ("next", "nope"):  # of a version that is not served, and none
        with pytest.raises(UnknownLabel, match=f"house_price: no version is available .* under label '{label}'"):
            client.labelled("house_price", label, 5)
    model_server.stop()
    with pytest.raises(ModelServerUnavailable):
        client.labelled("house_price", "stable", 5)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ModelServerOverloaded),
        (grpc.StatusCode.UNAVAILABLE, ModelServerUnavailable),
        (grpc.StatusCode.INVALID_ARGUMENT, ModelServerRefused),
    ],
)
def test_failures_are_our_errors(
    client: ModelServerClient, model_server: FakeModelServer, code: grpc.StatusCode, error: type[Exception]
) -> None:
    model_server.failure = (code, "told by the server")
    with pytest.raises(error) as raised:
        client.predict("house_price", 1, FEATURES, 5)
    assert type(raised.value) is error


def test_the_deadline_is_kept(client: ModelServerClient, model_server: FakeModelServer) -> None:
    model_server.delay_seconds = 0.5
    start = time.monotonic()
    with pytest.raises(ModelServerTimeout):
        client.predict("house_price", 1, FEATURES, 0.1)
    assert time.monotonic() - start < 0.4


def test_a_tensor_that_can_not_be_read_is_the_servers_error(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    model_server.publish(tabular_contract(), 2, model=lambda features: Broken())  # type: ignore[arg-type, return-value]
    with pytest.raises(ModelServerError, match="house_price: output 'scores' can't be read: 2 values for 1 elements"):
        client.predict("house_price", 2, FEATURES, 5)


class Broken:
    """Says that it has one element, and has two."""

    shape = (1,)

    def ravel(self) -> np.ndarray:
        return np.zeros(2, np.float32)


def test_large_replies_are_read(client: ModelServerClient, model_server: FakeModelServer) -> None:
    model_server.publish(tabular_contract(), 2, model=lambda features: np.ones((1_500_000, 1), np.float32))
    _, outputs = client.predict("house_price", 2, FEATURES, 10)
    assert outputs["scores"].nbytes == 6_000_000  # the usual limit is 4 MB


def test_a_server_that_is_gone_fails_fast_and_one_that_is_back_is_found(
    client: ModelServerClient, model_server: FakeModelServer
) -> None:
    assert answers(client)
    model_server.stop()
    for _ in range(5):
        start = time.monotonic()
        assert not answers(client)
        assert time.monotonic() - start < 0.5
    time.sleep(1.5)  # so that reconnection has slowed down
    model_server.start()
    assert wait_until(lambda: answers(client)) < 1.5


def test_a_short_gap_is_bridged_by_retries(client: ModelServerClient, model_server: FakeModelServer) -> None:
    model_server.failure = (grpc.StatusCode.UNAVAILABLE, "going")
    threading.Timer(0.005, setattr, (model_server, "failure", None)).start()
    assert answers(client)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_only_what_a_server_that_is_away_or_stopping_says_is_tried_again(
    client: ModelServerClient, model_server: FakeModelServer, code: grpc.StatusCode
) -> None:
    model_server.failure = (code, "told by the server")
    with pytest.raises(PredictionError):
        client.predict("house_price", 1, FEATURES, 5)
    assert len(model_server.rows) == (3 if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED) else 1)


def test_retries_end_with_their_budget(client: ModelServerClient, model_server: FakeModelServer) -> None:
    """So that a server which is coming up gets each call once, and not three times."""
    model_server.failure = (grpc.StatusCode.UNAVAILABLE, "coming up")
    for _ in range(40):
        assert not answers(client)
    assert 40 + 20 < len(model_server.rows) < 40 + 50
    model_server.rows.clear()
    assert not answers(client)
    assert len(model_server.rows) == 1


def test_all_addresses_are_used_in_turn() -> None:
    servers = [FakeModelServer().start() for _ in range(2)]
    for number, server in enumerate(servers, 1):
        server.publish(tabular_contract(), number)
    targets = ",".join(server.address for server in servers)
    with open_channel(f"ipv4:{targets}") as channel:
        status = channel.unary_unary(STATUS, wire.GetModelStatusRequest.SerializeToString)
        replies = {status(wire.GetModelStatusRequest(model_spec={"name": "house_price"})) for _ in range(20)}
    for server in servers:
        server.stop()
    assert len(replies) == 2


FORK = """
import os, sys
from serving.tfserving.client import ModelServerClient

client = ModelServerClient(sys.argv[1])
before = client.versions("sentiment", 5)
child = os.fork()
if child == 0:
    os._exit(0 if client.versions("sentiment", 5) == before else 1)
assert os.waitpid(child, 0)[1] == 0
assert client.versions("sentiment", 5) == before
client.close()
"""


def test_each_process_makes_its_own_channel(model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", FORK, model_server.address], cwd=root, check=True, timeout=30)


def test_a_socket_file_is_an_address_too(tmp_path: Path) -> None:
    channel = open_channel(f"unix:{tmp_path}/socket")
    with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
        channel.unary_unary("/any/Method")(b"", timeout=5)
    channel.close()
