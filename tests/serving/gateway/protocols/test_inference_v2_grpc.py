"""The Open Inference Protocol over gRPC, by calls on its own method paths."""

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving.gateway.app import close_app, create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.protocols import open_inference_pb2 as pb
from serving.gateway.settings import InvalidSettings, Settings
from tests.serving.contracts import png
from tests.serving.fake_model_server import wait_until
from tests.stack import free_port

Call = Callable[..., Any]


MAX_BODY_BYTES, MAX_INSTANCES = 20_000, 4


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_body_bytes=MAX_BODY_BYTES, max_instances=MAX_INSTANCES)


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., Call]]:
    apps, channels = [], []

    def started(**changes: Any) -> Call:
        port = free_port()
        app = create_app(replace(settings, grpc_port=port, **changes))
        apps.append(app)
        channels.append(grpc.insecure_channel(f"127.0.0.1:{port}"))

        def call(method: str, request: Any, **options: Any) -> Any:
            response = getattr(pb, type(request).__name__.replace("Request", "Response"))
            path = f"/inference.GRPCInferenceService/{method}"
            stub = channels[-1].unary_unary(path, lambda it: it.SerializeToString(), response.FromString)
            return stub(request, timeout=options.pop("timeout", 10), **options)

        client = app.test_client()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        call.metrics = lambda: client.get("/metrics").get_data(as_text=True)  # type: ignore[attr-defined]
        return call

    yield started
    for channel in channels:
        channel.close()
    for app in apps:
        close_app(app)


@pytest.fixture
def call(serve: Callable[..., Call]) -> Call:
    return serve()


def texts(*values: str, model: str = "sentiment", **options: Any) -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name=model, **options)
    tensor = request.inputs.add(name="text", datatype="BYTES", shape=[len(values)])
    tensor.contents.bytes_contents.extend(value.encode() for value in values)
    return request


def strings(raw: bytes) -> list[str]:
    found = []
    while raw:
        (size,) = struct.unpack_from("<I", raw)
        found.append(raw[4 : 4 + size].decode())
        raw = raw[4 + size :]
    return found


def outputs(response: pb.ModelInferResponse) -> dict[str, bytes]:
    return {output.name: raw for output, raw in zip(response.outputs, response.raw_output_contents, strict=True)}


def refused(call: Call, request: Any, **options: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as error:
        call("ModelInfer", request, **options)
    return error.value.code(), error.value.details()


def test_texts_get_the_answers_of_http(call: Call) -> None:
    response = call("ModelInfer", texts("a good film", "bad", id="42"))
    assert (response.model_name, response.model_version, response.id) == ("sentiment", "1", "42")
    assert [(output.name, output.datatype) for output in response.outputs][:2] == [
        ("label", "BYTES"),
        ("score", "FP64"),
    ]
    assert strings(outputs(response)["label"]) == ["positive", "positive"]
    assert struct.unpack("<2d", outputs(response)["score"]) == (0.7549019, 0.5490196)


@pytest.mark.parametrize(
    ("datatype", "field", "raw"),
    [
        ("FP64", "fp64_contents", "d"),
        ("FP32", "fp32_contents", "f"),
        ("INT64", "int64_contents", "q"),
        ("INT32", "int_contents", "i"),
        ("INT8", "int_contents", "b"),
        ("UINT8", "uint_contents", "B"),
        ("UINT64", "uint64_contents", "Q"),
    ],
)
def test_numbers_come_typed_or_raw(call: Call, datatype: str, field: str, raw: str) -> None:
    typed, packed = (pb.ModelInferRequest(model_name="house_price") for _ in range(2))
    for name, value in (("rooms", 4), ("age", 30)):
        tensor = typed.inputs.add(name=name, datatype=datatype, shape=[1])
        getattr(tensor.contents, field).append(value)
        packed.inputs.add(name=name, datatype=datatype, shape=[1])
        packed.raw_input_contents.append(struct.pack(f"<{raw}", value))
    for request in (typed, packed):
        assert struct.unpack("<d", outputs(call("ModelInfer", request))["value"]) == (0.51960784,)


def test_a_picture_is_the_bytes_of_its_file(call: Call) -> None:
    request = pb.ModelInferRequest(model_name="digits")
    request.inputs.add(name="image", datatype="BYTES", shape=[1]).contents.bytes_contents.append(png(3))
    request.outputs.add(name="label")
    response = call("ModelInfer", request)
    assert [output.name for output in response.outputs] == ["label"]
    (label,) = strings(response.raw_output_contents[0])
    assert label == "5"


def test_what_is_wrong_is_told_with_the_code_of_its_kind(call: Call, serve: Callable[..., Call]) -> None:
    nothing = pb.ModelInferRequest(model_name="sentiment")
    twice = texts("a")
    twice.raw_input_contents.extend([b"", b""])
    half = pb.ModelInferRequest(model_name="house_price")
    half.inputs.add(name="rooms", datatype="FP16", shape=[1])
    for request, code, detail in (
        (texts("a", model="zebra"), grpc.StatusCode.NOT_FOUND, "unknown model 'zebra'"),
        (texts("a", model_version="9"), grpc.StatusCode.NOT_FOUND, "version 9"),
        (texts("a", model_version="x"), grpc.StatusCode.INVALID_ARGUMENT, "expected the version as a whole number"),
        (texts("a", model_version="9" * 20), grpc.StatusCode.INVALID_ARGUMENT, "of at most 19 digits"),
        (texts("a", model="sentiment/versions/1"), grpc.StatusCode.INVALID_ARGUMENT, "got 'sentiment/versions/1'"),
        (texts("a", model=""), grpc.StatusCode.INVALID_ARGUMENT, "expected the name of a model"),
        (texts(""), grpc.StatusCode.INVALID_ARGUMENT, "expected a string that is not empty"),
        (nothing, grpc.StatusCode.INVALID_ARGUMENT, "expected 'inputs'"),
        (twice, grpc.StatusCode.INVALID_ARGUMENT, "raw_input_contents for all 1 inputs, got 2"),
        (half, grpc.StatusCode.INVALID_ARGUMENT, "input 'rooms': expected datatype BOOL"),
        (texts(*["a"] * (MAX_INSTANCES + 1)), grpc.StatusCode.RESOURCE_EXHAUSTED, str(MAX_INSTANCES)),
        (texts("a" * 30_000), grpc.StatusCode.RESOURCE_EXHAUSTED, str(MAX_BODY_BYTES)),
    ):
        told = refused(call, request)
        assert told[0] == code, told
        assert detail in told[1]


@pytest.mark.parametrize(
    ("datatype", "field", "values", "detail"),
    [
        ("FP32", "fp32_contents", [math.nan], "expected a finite number of at most 1e+30 in size, got nan"),
        ("FP64", "fp64_contents", [-math.inf], "expected a finite number of at most 1e+30 in size, got -inf"),
        ("INT8", "int_contents", [300], "input 'rooms': expected numbers that INT8 can hold"),
        ("UINT16", "uint_contents", [70_000], "input 'rooms': expected numbers that UINT16 can hold"),
        ("FP64", "fp32_contents", [4.0], "only in fp64_contents, got some in fp32_contents"),
        ("BYTES", "fp32_contents", [4.0], "only in bytes_contents, got some in fp32_contents"),
        ("BOOL", "bool_contents", [True], "expected datatype FP64, got 'BOOL'"),
    ],
)
def test_numbers_that_are_none_and_data_in_a_wrong_place_are_told(
    call: Call, datatype: str, field: str, values: list[Any], detail: str
) -> None:
    request = pb.ModelInferRequest(model_name="house_price")
    for name in ("rooms", "age"):
        getattr(request.inputs.add(name=name, datatype=datatype, shape=[1]).contents, field).extend(values)
    code, told = refused(call, request)
    assert (code, detail in told) == (grpc.StatusCode.INVALID_ARGUMENT, True), told


def test_data_that_come_twice_are_refused(call: Call) -> None:
    request = texts("a fine film")
    request.raw_input_contents.append(struct.pack("<I", 3) + b"bad")
    code, told = refused(call, request)
    assert (code, told) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "input 'text': expected its data only in raw_input_contents, got some in bytes_contents",
    )


def test_the_deadline_is_the_callers(call: Call, model_server: Any) -> None:
    model_server.delay_seconds = 2.0
    assert refused(call, texts("a"), timeout=0.3)[0] == grpc.StatusCode.DEADLINE_EXCEEDED
    model_server.delay_seconds = 0.0


def test_a_key_is_asked_for(serve: Callable[..., Call], tmp_path: Path) -> None:
    key, line = make_key("alice")
    (tmp_path / "keys").write_text(f"{line}\n")
    call = serve(api_keys_file=tmp_path / "keys")
    assert refused(call, texts("a"))[0] == grpc.StatusCode.UNAUTHENTICATED
    for header in (("authorization", f"Bearer {key}"), ("x-api-key", key)):
        assert call("ModelInfer", texts("a"), metadata=[header]).model_version == "1"
    assert call("ServerLive", pb.ServerLiveRequest()).live
    with pytest.raises(grpc.RpcError) as error:
        call("ServerMetadata", pb.ServerMetadataRequest())
    assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_a_key_is_for_its_models_only(serve: Callable[..., Call], tmp_path: Path) -> None:
    key, line = make_key("alice", "sentiment")
    (tmp_path / "keys").write_text(f"{line}\n")
    call = serve(api_keys_file=tmp_path / "keys")
    header = [("x-api-key", key)]
    assert call("ModelInfer", texts("a"), metadata=header).model_version == "1"
    for model in ("digits", "no_such"):
        assert refused(call, texts("a", model=model), metadata=header)[0] == grpc.StatusCode.PERMISSION_DENIED
    listed = call("RepositoryIndex", pb.RepositoryIndexRequest(), metadata=header)
    assert [each.name for each in listed.models] == ["sentiment"]


def test_calls_are_counted_as_those_by_http_are(call: Call) -> None:
    call("ModelInfer", texts("a"))
    refused(call, texts(""))
    told = call.metrics()  # type: ignore[attr-defined]
    for code in ("200", "400"):
        assert f'plumbline_gateway_requests_total{{code="{code}",model="sentiment",version="1"}} 1.0' in told


def test_server_and_models_tell_of_themselves(call: Call) -> None:
    assert call("ServerLive", pb.ServerLiveRequest()).live
    assert call("ServerReady", pb.ServerReadyRequest()).ready
    assert call("ServerMetadata", pb.ServerMetadataRequest()).name == "plumbline"
    assert call("ModelReady", pb.ModelReadyRequest(name="sentiment", version="1")).ready
    metadata = call("ModelMetadata", pb.ModelMetadataRequest(name="house_price"))
    assert list(metadata.versions) == ["1"]
    assert [(it.name, it.datatype, list(it.shape)) for it in metadata.inputs] == [
        ("rooms", "FP64", [-1]),
        ("age", "FP64", [-1]),
    ]
    index = call("RepositoryIndex", pb.RepositoryIndexRequest(ready=True))
    assert {(model.name, model.version, model.state) for model in index.models} == {
        (name, "1", "READY") for name in ("sentiment", "house_price", "digits")
    }


def test_its_port_is_another_than_that_of_http() -> None:
    with pytest.raises(InvalidSettings, match="GRPC_PORT='8000': is also PORT"):
        Settings.from_env({"GRPC_PORT": "8000"})
