"""The Open Inference Protocol, spoken by the real client of Triton where it can say what is to be said."""

import base64
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from serving.gateway.settings import Settings
from tests.serving.contracts import png
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_health import metrics

TEXTS = ["a good film", "naïve, very bad ✓"]
INFER = "/v2/models/house_price/infer"


MAX_BODY_BYTES, MAX_INSTANCES = 20_000, 4


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_body_bytes=MAX_BODY_BYTES, max_instances=MAX_INSTANCES)


@pytest.fixture
def client(address: str) -> Iterator[triton.InferenceServerClient]:
    client = triton.InferenceServerClient(address)
    yield client
    client.close()


def tensor(name: str, datatype: str, values: Any, binary: bool = True) -> triton.InferInput:
    array = np.array(values, object if datatype == "BYTES" else None)
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def column(name: str, values: list[Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(values)], "datatype": "FP64", "data": values, **more}


def test_the_server_is_alive_and_ready(client: triton.InferenceServerClient, model_server: FakeModelServer) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("sentiment")
    assert client.is_model_ready("sentiment", "1")
    assert not client.is_model_ready("sentiment", "2")
    assert not client.is_model_ready("zebra")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    model_server.withdraw("sentiment", 1)
    wait_until(lambda: not client.is_model_ready("sentiment"))
    assert client.is_server_ready()  # for the other models
    model_server.stop()
    wait_until(lambda: not client.is_server_ready())


def test_a_models_tensors_are_told(client: triton.InferenceServerClient) -> None:
    assert client.get_model_metadata("house_price") == {
        "name": "house_price",
        "versions": ["1"],
        "platform": "plumbline_contract",
        "inputs": [{"name": name, "datatype": "FP64", "shape": [-1]} for name in ("rooms", "age")],
        "outputs": [{"name": "value", "datatype": "FP64", "shape": [-1]}],
    }
    told = client.get_model_metadata("digits", "1")
    assert told["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
    assert told["outputs"][2:] == [
        {"name": "labels", "datatype": "BYTES", "shape": [-1, 3]},
        {"name": "scores", "datatype": "FP64", "shape": [-1, 3]},
    ]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False, None])
def test_texts_are_answered(client: triton.InferenceServerClient, binary_in: bool, binary_out: bool | None) -> None:
    names = ["label", "score", "labels", "scores"]
    outputs = None if binary_out is None else [triton.InferRequestedOutput(name, binary_out) for name in names]
    result = client.infer("sentiment", [tensor("text", "BYTES", TEXTS, binary_in)], outputs=outputs, request_id="7")
    head = result.get_response()
    assert (head["model_name"], head["model_version"], head["id"]) == ("sentiment", "1", "7")
    label, labels = (np.char.decode(result.as_numpy(name).astype(np.bytes_)).tolist() for name in ("label", "labels"))
    assert label == ["positive", "negative"]
    assert labels == [["positive", "negative"], ["negative", "positive"]]
    assert result.as_numpy("score").tolist() == [0.7549019, 0.9313725]
    assert result.as_numpy("scores").tolist() == [[0.7549019, 0.2450981], [0.9313725, 0.0686275]]


@pytest.mark.parametrize("datatype", [np.float64, np.float32, np.float16, np.int64, np.uint8])
@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_numbers_of_any_type_are_answered(
    client: triton.InferenceServerClient, datatype: type[np.generic], shape: tuple[int, ...]
) -> None:
    rooms, age = (np.array(values, datatype).reshape(shape) for values in ([6, 3], [40, 90]))
    named = {"FP64": np.float64, "FP32": np.float32, "FP16": np.float16, "INT64": np.int64, "UINT8": np.uint8}
    (name,) = (name for name, each in named.items() if each is datatype)
    expected = [0.627451, 0.37254903]
    for binary in (True, False) if datatype != np.float16 else (True,):
        inputs = [tensor("age", name, age, binary), tensor("rooms", name, rooms, binary)]
        assert client.infer("house_price", inputs).as_numpy("value").tolist() == expected


def test_a_picture_is_its_bytes_or_base64_in_json(client: triton.InferenceServerClient) -> None:
    text = base64.b64encode(png(90)).decode()
    for made in (tensor("image", "BYTES", [png(90)]), tensor("image", "BYTES", [text], binary=False)):
        result = client.infer("digits", [made], "1")
        assert result.as_numpy("label").tolist() == [b"8"]
        assert result.as_numpy("scores").tolist() == [[0.1956044, 0.1846154, 0.1472528]]


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_a_request_may_be_compressed(client: triton.InferenceServerClient, algorithm: str) -> None:
    result = client.infer("sentiment", [tensor("text", "BYTES", TEXTS)], request_compression_algorithm=algorithm)
    assert result.as_numpy("label").shape == (2,)


def test_errors_reach_the_client(client: triton.InferenceServerClient) -> None:
    for infer, status, message in (
        (lambda: client.infer("zebra", [tensor("text", "BYTES", ["a"])]), "404", "unknown model 'zebra'"),
        (lambda: client.infer("sentiment", [tensor("text", "BYTES", ["a"])], "9"), "404", "version 9 is not available"),
        (lambda: client.infer("sentiment", [tensor("text", "BYTES", [""])]), "400", "instance 0, field 'text': expect"),
        (lambda: client.infer("sentiment", [tensor("text", "BYTES", [b"\xe9"])]), "400", r"got b'\xe9'"),
        (
            lambda: client.infer("sentiment", [tensor("text", "BYTES", ["a"] * (MAX_INSTANCES + 1))]),
            "413",
            "at most 4 instances",
        ),
        (lambda: client.infer("house_price", [tensor("rooms", "FP64", [np.nan])]), "400", "finite number"),
        (lambda: client.get_model_metadata("zebra"), "404", "unknown model 'zebra'"),
        (lambda: client.get_model_config("sentiment"), "404", "not found"),
    ):
        with pytest.raises(InferenceServerException) as raised:
            infer()
        assert raised.value.status() == status
        assert message in raised.value.message()


def test_all_errors_are_in_the_message_with_their_places(gateway: FlaskClient) -> None:
    inputs = [column("age", [1, None, "old"]), column("rooms", [[True], [2], [3]], shape=[3, 1])]
    reply = gateway.post(INFER, json={"inputs": inputs})
    assert reply.status_code == 400
    assert reply.get_json() == {
        "error": "house_price: instance 0, field 'rooms': expected a number, got True (the first of 3 errors); "
        "/inputs/0/data/1: expected a number, got nothing; /inputs/0/data/2: expected a number, got 'old'"
    }


GOOD = [column("rooms", [1]), column("age", [2])]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "expected a JSON object with 'inputs', got an array"),
        ({}, "expected 'inputs' as an array of tensors"),
        ({"inputs": [1]}, "expected an object with a 'name' for tensor 0"),
        ({"inputs": [GOOD[0], GOOD[0]]}, "input 'rooms' is listed twice"),
        (
            {"inputs": [column("rooms", [1]), column("age", [1, 2])]},
            "of the same length, got 1 of 'rooms' and 2 of 'age'",
        ),
        ({"inputs": [column("rooms", [1], shape=[2])]}, "expected 2 values by its shape, got 1"),
        ({"inputs": [column("rooms", [1], shape=[1, 2])]}, "expected shape [n] or [n, 1], got [1, 2]"),
        ({"inputs": [column("rooms", [1], shape=[])]}, "expected shape [n] or [n, 1], got []"),
        ({"inputs": [column("rooms", [1], shape=["1"])]}, "expected 'shape' as an array of sizes"),
        ({"inputs": [column("rooms", [1], data=1)]}, "expected 'data' as an array, got a number"),
        ({"inputs": [column("rooms", ["1"], datatype="BYTES")]}, "expected datatype FP64, got 'BYTES'"),
        ({"inputs": [column("rooms", [1], datatype="FP63")]}, "expected datatype FP64, got 'FP63'"),
        ({"inputs": [column("rooms", [1], datatype={})]}, "expected datatype FP64, got an object"),
        ({"inputs": [column("other", [1], datatype=1)]}, "expected datatype FP64, got a number"),
        ({"inputs": [column("rooms", [1], parameters=[])]}, "expected 'parameters' as an object, got"),
        ({"inputs": [column("rooms", [1], parameters={"binary_data_size": 8})]}, "expected 8 bytes of data, got 0"),
        ({"inputs": [column("rooms", [1], parameters={"binary_data_size": -8})]}, "'binary_data_size' as a number"),
        ({"inputs": GOOD, "outputs": {}}, "expected 'outputs' as an array, got an object"),
        ({"inputs": None}, "expected 'inputs' as an array of tensors: rooms, age"),
        ({"inputs": GOOD, "id": 7}, "expected 'id' as a string, got a number"),
        ({"inputs": GOOD, "parameters": False}, "expected 'parameters' as an object, got a boolean"),
        ({"inputs": GOOD, "outputs": [None]}, "expected an object with a 'name' for tensor 0"),
        ({"inputs": [column("rooms", [1], data=None)]}, "input 'rooms': expected 'data' as an array, got null"),
        ({"inputs": [column("rooms", [1], shape=None)]}, "input 'rooms': expected 'shape' as an array of sizes"),
        (
            {"inputs": [column("rooms", [1], parameters={"shared_memory_region": "x"})]},
            "input 'rooms': the parameter 'shared_memory_region' is not supported",
        ),
        ({"inputs": GOOD, "outputs": 1}, "expected 'outputs' as an array, got a number"),
        ({"inputs": GOOD, "outputs": [{"name": "label"}]}, "expected outputs among value, got 'label'"),
        (
            {"inputs": GOOD, "outputs": [{"name": "value", "parameters": {"shared_memory_region": "x"}}]},
            "output 'value': the parameter 'shared_memory_region' is not supported",
        ),
        (
            {"inputs": GOOD, "outputs": [{"name": "value", "parameters": {"classification": 2}}]},
            "a classification is not supported",
        ),
        ({"inputs": [column("rooms", []), column("age", [])]}, "expected at least one instance, got none"),
    ],
)
def test_what_is_malformed_is_explained(gateway: FlaskClient, document: Any, message: str) -> None:
    reply = gateway.post(INFER, json=document)
    assert (reply.status_code, list(reply.get_json())) == (400, ["error"])
    assert message in reply.get_json()["error"]


TEXT = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a good film"]}
KSERVE = {  # what KServe's InferenceRequest.model_dump() makes of the least that can be asked
    "id": None,
    "parameters": None,
    "inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "parameters": None, "data": ["a good film"]}],
    "outputs": None,
}
MLSERVER = {  # MLServer's InferenceRequest.dict(), with its codecs' hints
    "id": None,
    "parameters": {"content_type": "np", "headers": None},
    "inputs": [{**TEXT, "shape": [1, 1], "parameters": {"content_type": "str", "headers": None}}],
    "outputs": [{"name": "label", "parameters": {"content_type": "str", "headers": None}}],
}


@pytest.mark.parametrize(
    "document",
    [
        KSERVE,
        MLSERVER,
        {"inputs": [TEXT], "id": None},
        {"inputs": [TEXT], "parameters": None},
        {"inputs": [TEXT], "parameters": {"binary_data_output": None}},
        {"inputs": [TEXT], "outputs": None},
        {"inputs": [TEXT], "outputs": []},
        {"inputs": [TEXT], "outputs": [{"name": "label", "parameters": None}]},
        {"inputs": [TEXT], "outputs": [{"name": "label", "content_type": "str"}]},
        {"inputs": [TEXT], "outputs": [{"name": "label", "parameters": {"content_type": "str", "other": [1]}}]},
        {
            "inputs": [TEXT],
            "outputs": [{"name": "label", "parameters": dict.fromkeys(("binary_data", "classification"))}],
        },
        {"inputs": [TEXT], "outputs": [{"name": "label", "parameters": {"shared_memory_region": None}}]},
        {"inputs": [{**TEXT, "parameters": None}]},
        {"inputs": [{**TEXT, "parameters": {"binary_data_size": None, "content_type": None}}]},
        {"inputs": [{**TEXT, "parameters": {"content_type": "str"}}], "other": {}},
    ],
)
def test_null_is_as_if_absent_and_hints_of_other_servers_change_nothing(
    gateway: FlaskClient, document: dict[str, Any]
) -> None:
    reply = gateway.post("/v2/models/sentiment/infer", json=document)
    assert reply.status_code == 200
    told = reply.get_json()
    assert "id" not in told
    (label,) = (output for output in told["outputs"] if output["name"] == "label")
    assert label["data"] == ["positive"]


def test_null_beside_bytes_is_as_if_absent(gateway: FlaskClient) -> None:
    data = struct.pack("<I", 3) + b"bad"
    made = {**TEXT, "data": None, "parameters": {"binary_data_size": len(data), "content_type": None}}
    head = triton._utils.json.dumps({"id": None, "inputs": [made], "outputs": None}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    assert gateway.post("/v2/models/sentiment/infer", data=head + data, headers=headers).status_code == 200


def test_all_missing_inputs_are_named_once(gateway: FlaskClient) -> None:
    other = {"name": "other", "shape": [3], "datatype": "FP64", "data": [1, 2, 3]}
    error = gateway.post(INFER, json={"inputs": [other]}).get_json()["error"]
    assert error.startswith(
        "house_price: instance 0, field 'other': expected only rooms, age, got this field (the first"
    )
    assert error.endswith(
        "; /inputs/0/data/2: expected only rooms, age, got this field; /inputs: expected rooms, age too"
    )
    error = gateway.post(INFER, json={"inputs": [column("rooms", [1, 2])]}).get_json()["error"]
    assert error == (
        "house_price: instance 0, field 'age': expected a number, got nothing (the first of 2 errors); "
        "/inputs: expected age too"
    )


HOUSES = {"rooms": [6.5, -3.0], "age": [40.0, 1e30]}
"""Numbers, of which BF16 has the upper half of the bytes."""


def test_bf16_is_a_number_type(gateway: FlaskClient) -> None:
    def value(values: list[float]) -> bytes:
        return b"".join(struct.pack("<f", value)[2:] for value in values)

    in_json = [column(name, values, datatype="BF16") for name, values in HOUSES.items()]
    assert gateway.post(INFER, json={"inputs": in_json}).status_code == 200
    blobs = {name: value(values) for name, values in HOUSES.items()}
    inputs = [
        {"name": name, "shape": [2], "datatype": "BF16", "parameters": {"binary_data_size": len(blob)}}
        for name, blob in blobs.items()
    ]
    head = triton._utils.json.dumps({"inputs": inputs}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    reply = gateway.post(INFER, data=b"".join([head, *blobs.values()]), headers=headers)
    assert reply.get_json()["outputs"][0]["data"] == [0.8088235, 0.009803922]


@pytest.mark.parametrize(("datatype", "size"), [("BF16", 3), ("FP32", 6), ("INT64", 9)])
def test_numbers_as_bytes_must_be_whole(gateway: FlaskClient, datatype: str, size: int) -> None:
    made = {"name": "rooms", "shape": [1], "datatype": datatype, "parameters": {"binary_data_size": size}}
    head = triton._utils.json.dumps({"inputs": [made]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    reply = gateway.post(INFER, data=head + bytes(size), headers=headers)
    assert reply.status_code == 400
    assert f"bytes a value, got {size} bytes" in reply.get_json()["error"]


def bytes_input(size: int) -> bytes:
    made = {"name": "text", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": size}}
    return triton._utils.json.dumps({"inputs": [made]}).encode()


@pytest.mark.parametrize(
    ("data", "told", "message"),
    [
        (struct.pack("<I", 3) + b"abc", 0, ""),
        (struct.pack("<I", 4) + b"abc", 0, "its bytes end within an element"),
        (struct.pack("<I", 2**32 - 1) + b"abc", 0, "its bytes end within an element"),
        (b"abc", 0, "its bytes end within an element"),
        (struct.pack("<I", 3) + b"abcd", -1, "expected no bytes after the data of all inputs, got 1"),
        (struct.pack("<I", 3) + b"abc", 1, "expected 8 bytes of data, got 7"),
        (b"", 0, "expected 1 values by its shape, got 0"),
    ],
)
def test_binary_data_must_be_whole(gateway: FlaskClient, data: bytes, told: int, message: str) -> None:
    head = bytes_input(len(data) + told)
    headers = {"Inference-Header-Content-Length": str(len(head))}
    reply = gateway.post("/v2/models/sentiment/infer", data=head + data, headers=headers)
    assert reply.status_code == (400 if message else 200)
    assert message in reply.get_json().get("error", "")


@pytest.mark.parametrize("length", ["-1", "x", "99999", "9" * 50, ""])
def test_the_length_of_the_json_must_be_within_the_body(gateway: FlaskClient, length: str) -> None:
    reply = gateway.post(INFER, data=b"{}", headers={"Inference-Header-Content-Length": length})
    assert reply.status_code == 400
    assert "Inference-Header-Content-Length" in reply.get_json()["error"]


def test_requests_are_counted_with_all_others(gateway: FlaskClient) -> None:
    gateway.post(INFER, json={"inputs": GOOD})
    gateway.post(INFER, json={"inputs": []})
    gateway.post("/v2/models/zebra/infer", json={})
    gateway.get("/v2/models/house_price")
    told = metrics(gateway)
    assert told['plumbline_gateway_requests_total{code="200",model="house_price",version="1"}'] == 1
    assert told['plumbline_gateway_requests_total{code="400",model="house_price",version="none"}'] == 1
    assert told['plumbline_gateway_requests_total{code="404",model="unknown",version="none"}'] == 1
    assert told['plumbline_gateway_request_instances_sum{model="house_price"}'] == 1
    assert told['plumbline_gateway_request_seconds_count{model="house_price",version="1"}'] == 1


@pytest.mark.parametrize("path", ["/v2/x", "/v2/models/sentiment/versions/x/infer", "/v2/models"])
def test_errors_have_the_protocols_shape(gateway: FlaskClient, path: str) -> None:
    reply = gateway.get(path)
    assert (reply.status_code, reply.mimetype, list(reply.get_json())) == (404, "application/json", ["error"])
    assert gateway.get(INFER).status_code == 405
