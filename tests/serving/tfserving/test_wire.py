"""Our wire.proto against TensorFlow's own definitions, and against the code generated from it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from serving.tfserving import wire_pb2 as wire

ROOT = Path(__file__).parents[3]
PACKAGES = {"serving/tfserving": "wire", "serving/gateway/protocols": "open_inference"}
GENERATED = [f"{folder}/{name}_pb2.{end}" for folder, name in PACKAGES.items() for end in ("py", "pyi")]


@pytest.fixture(scope="module")
def upstream() -> dict[str, Any]:
    """Upstream's messages and enums by the last part of their name."""
    pytest.importorskip("tensorflow_serving", reason="compares with tensorflow-serving-api")
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

    found: dict[str, Any] = {}
    roots = (
        predict_pb2.PredictRequest,
        predict_pb2.PredictResponse,
        get_model_status_pb2.GetModelStatusRequest,
        get_model_status_pb2.GetModelStatusResponse,
        get_model_metadata_pb2.GetModelMetadataRequest,
        get_model_metadata_pb2.GetModelMetadataResponse,
    )
    for root in roots:
        collect(root.DESCRIPTOR, found)
    return found


def collect(message: Any, found: dict[str, Any]) -> None:
    if found.setdefault(short(message), message) is not message:
        return
    for field in message.fields:
        if field.message_type and short(field.message_type) not in found:
            collect(field.message_type, found)
        if field.enum_type:
            found[short(field.enum_type)] = field.enum_type


def short(descriptor: Any) -> str:
    """The name without its package: `ModelVersionStatus.State`."""
    return descriptor.full_name.removeprefix(f"{descriptor.file.package}.")


def ours() -> tuple[list[Any], list[Any]]:
    messages: list[Any] = []

    def walk(message: Any) -> None:
        messages.append(message)
        for nested in message.nested_types:
            walk(nested)

    for message in wire.DESCRIPTOR.message_types_by_name.values():
        walk(message)
    enums = [*wire.DESCRIPTOR.enum_types_by_name.values(), *(enum for it in messages for enum in it.enum_types)]
    return messages, enums


MESSAGES, ENUMS = ours()


def facts(field: Any) -> dict[str, Any]:
    target = field.message_type or field.enum_type
    return {
        "name": field.name,
        "number": field.number,
        "type": field.type,
        "repeated": field.is_repeated,
        "packed": field.is_packed,
        "oneof": field.containing_oneof and field.containing_oneof.name,
        "of": target and short(target),
    }


@pytest.mark.parametrize("message", MESSAGES, ids=short)
def test_every_field_is_upstreams(message: Any, upstream: dict[str, Any]) -> None:
    theirs = upstream[short(message)].fields_by_name
    assert message.fields
    for field in message.fields:
        assert facts(field) == facts(theirs[field.name])


@pytest.mark.parametrize("enum", ENUMS, ids=short)
def test_every_enum_value_is_upstreams(enum: Any, upstream: dict[str, Any]) -> None:
    theirs = upstream[short(enum)].values_by_name
    assert {value.name: value.number for value in enum.values} == {
        value.name: theirs[value.name].number for value in enum.values
    }


def test_file_and_package_are_not_upstreams() -> None:
    assert wire.DESCRIPTOR.name == "serving/tfserving/wire.proto"
    assert wire.DESCRIPTOR.package == "plumbline.wire"
    assert not wire.DESCRIPTOR.services_by_name


def test_regenerating_gives_the_committed_files(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools", reason="needs the generator")
    out = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    sources = [f"proto/{folder}/{name}.proto" for folder, name in PACKAGES.items()]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto", *out, *sources]
    subprocess.run(command, cwd=ROOT, check=True)
    for name in GENERATED:
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), f"{name}: run `make proto`"


OURS = "from serving.tfserving import wire_pb2 as ours"
THEIRS = "from tensorflow_serving.apis import predict_pb2 as theirs"
EXCHANGE = """
sent = ours.PredictRequest(model_spec=ours.ModelSpec(name="digits", version={"value": 7}, signature_name="s"))
sent.inputs["x"].tensor_content = b"abcd"
read = theirs.PredictRequest.FromString(sent.SerializeToString())
assert (read.model_spec.name, read.model_spec.version.value, read.model_spec.signature_name) == ("digits", 7, "s")
assert read.inputs["x"].tensor_content == b"abcd"
assert ours.PredictRequest.FromString(read.SerializeToString()) == sent
"""


@pytest.mark.parametrize("imports", [(OURS, THEIRS), (THEIRS, OURS)], ids=["ours first", "theirs first"])
def test_both_definitions_live_in_one_process(imports: tuple[str, str]) -> None:
    pytest.importorskip("tensorflow_serving", reason="exchanges messages with tensorflow-serving-api")
    subprocess.run([sys.executable, "-c", "\n".join([*imports, EXCHANGE])], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    "module", ["serving.gateway", "serving.gateway.app", "serving.commands.serve", "serving.commands.verify"]
)
def test_the_gateway_loads_no_tensorflow(module: str) -> None:
    check = f"import sys, {module}; loaded = {{'tensorflow', 'keras', 'tensorflow_serving'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{check}; assert not loaded, loaded"], cwd=ROOT, check=True)
