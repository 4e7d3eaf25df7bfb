"""Single requests over gRPC: what comes back, and which code and text an error has."""

from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, model_management_pb2, predict_pb2

from tests.conformance.client import FOUR, Client, refused, request, values

ONE_ROW = [[1.0, 2.0, 3.0, 4.0]]


def proto(**fields: Any) -> Any:
    return tf.make_tensor_proto(0.0).__class__(**fields)


def shape(*lengths: int) -> Any:
    return tf.TensorShape(lengths).as_proto()


def test_answer_holds_outputs_name_version_and_signature(client: Client) -> None:
    answer = client.predict("mlp", features=ONE_ROW)
    assert values(answer) == {"sum": [20.0], "diff": [-4.0]}
    spec = answer.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("mlp", 2, "serving_default")


def test_values_come_in_typed_fields(client: Client) -> None:
    output = client.predict("mlp", features=ONE_ROW).outputs["sum"]
    assert list(output.float_val) == [20.0]
    assert output.tensor_content == b""
    assert [dim.size for dim in output.tensor_shape.dim] == [1]


def test_integers_come_in_typed_fields(client: Client) -> None:
    assert list(client.predict("busy", steps=np.array([3, 1], np.int32)).outputs["done"].int_val) == [3, 3]


def test_version_is_chosen_by_number(client: Client) -> None:
    answer = client.send(request("mlp", version=1, features=ONE_ROW))
    assert values(answer)["sum"] == [10.0]
    assert answer.model_spec.version.value == 1


def test_second_signature(client: Client) -> None:
    answer = client.send(request("mlp", signature="contract", version=1, request=np.zeros(2, np.int32)))
    assert answer.model_spec.signature_name == "contract"
    assert list(answer.outputs["contract"].string_val) == [b'{"scale": 1.0}'] * 2


def test_strings_survive_as_bytes(client: Client) -> None:
    texts = [b"", "żółw".encode(), b"\xff\x00"]
    assert values(client.predict("echo", text=texts)) == {"text": texts, "raw_bytes": texts}


def test_filter_picks_outputs(client: Client) -> None:
    assert values(client.predict("mlp", outputs=("diff",), features=ONE_ROW)) == {"diff": [-4.0]}


def test_no_rows_are_fine(client: Client) -> None:
    assert values(client.predict("mlp", features=np.zeros((0, 4), np.float32))) == {"sum": [], "diff": []}


CONTENT = np.array(ONE_ROW, np.float32).tobytes()


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (proto(dtype=1, tensor_shape=shape(1, 4), tensor_content=CONTENT), 20.0),
        (proto(dtype=1, tensor_shape=shape(1, 4), float_val=ONE_ROW[0]), 20.0),
        (proto(dtype=1, tensor_shape=shape(1, 4), float_val=[1.5]), 12.0),
        (proto(dtype=1, tensor_shape=shape(1, 4), float_val=[1, 2]), 14.0),
        (proto(dtype=1, tensor_shape=shape(1, 4)), 0.0),
    ],
    ids=["content", "field", "one value for all", "last value repeated", "nothing is zero"],
)
def test_both_encodings_are_read(client: Client, tensor: Any, expected: float) -> None:
    assert values(client.predict("mlp", features=tensor))["sum"] == [expected]


def test_packed_strings_are_read(client: Client) -> None:
    packed = proto(dtype=7, tensor_shape=shape(2), tensor_content=b"\x01\x02abc")
    assert values(client.predict("echo", text=packed))["text"] == [b"a", b"bc"]


def test_a_message_larger_than_the_usual_4_mb(client: Client) -> None:
    rows = np.ones((400_000, 4), np.float32)
    assert len(values(client.predict("mlp", features=rows))["sum"]) == len(rows)


UNNAMED = predict_pb2.PredictRequest()
UNNAMED.model_spec.signature_name = "serving_default"


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (UNNAMED, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (request("zzz"), "NOT_FOUND", "Servable not found for request: Latest(zzz)"),
        (request("mlp", version=9), "NOT_FOUND", "Servable not found for request: Specific(mlp, 9)"),
        (request("mlp", label="nope"), "INVALID_ARGUMENT", "Unrecognized servable version label: nope"),
        (
            request("mlp", signature="qq", features=FOUR),
            "FAILED_PRECONDITION",
            'Serving signature key "qq" not found.',
        ),
        (
            request("mlp", features=FOUR, bad=FOUR),
            "INVALID_ARGUMENT",
            "input size does not match signature: 2!=1 len({bad,features}) != len({features}). Sent extra: {bad}. "
            "Missing but required: {}.",
        ),
        (
            request("pair", left=[1.0]),
            "INVALID_ARGUMENT",
            "input size does not match signature: 1!=2 len({left}) != len({left,right}). Sent extra: {}. "
            "Missing but required: {right}.",
        ),
        (
            request("mlp", features=proto(dtype=1, tensor_shape=shape(1, 4), tensor_content=b"abc")),
            "INVALID_ARGUMENT",
            "tensor parsing error: features",
        ),
        (request("mlp", features=proto()), "INVALID_ARGUMENT", "tensor parsing error: features"),
        (
            request("mlp", outputs=["zz"], features=FOUR),
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: zz Outputs expected to be in the set {diff,sum}.",
        ),
        (
            request("mlp", outputs=["sum", "sum"], features=FOUR),
            "INVALID_ARGUMENT",
            "duplicate output tensor alias: sum",
        ),
        (
            request("mlp", features=np.ones((1, 4), np.int32)),
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but int32 is provided",
        ),
        (request("mlp", features=np.ones((1, 5), np.float32)), "INVALID_ARGUMENT", None),
        (request("mlp", features=np.ones(4, np.float32)), "INVALID_ARGUMENT", None),
        (request("pick", ids=np.array([[10]], np.int32)), "INVALID_ARGUMENT", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_predict_errors(client: Client, message: Any, code: str, text: str | None) -> None:
    with refused(code, text):
        client.send(message)


def test_right_count_but_wrong_name(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.predict("mlp", bad=FOUR)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith("Signature input alias: features(feed name: serving_default_features:0)")


def test_long_error_messages_are_cut(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.predict("x" * 2000)
    assert caught.value.details().endswith("x...TRUNCATED")
    assert len(caught.value.details()) == 1024 + len("...TRUNCATED")


def test_metadata_holds_the_signatures(client: Client) -> None:
    answer = client.metadata("mlp", "signature_def")
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "contract", "__saved_model_init_op"} == set(signatures.signature_def)
    assert set(signatures.signature_def["serving_default"].outputs) == {"sum", "diff"}
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("mlp", 2)
    assert answer.model_spec.signature_name == ""


@pytest.mark.parametrize(
    ("model", "fields", "code", "text"),
    [
        ("mlp", [], "INVALID_ARGUMENT", "GetModelMetadataRequest must specify at least one metadata_field"),
        ("mlp", ["foo"], "INVALID_ARGUMENT", "Metadata field foo is not supported"),
        ("zzz", ["signature_def"], "NOT_FOUND", "Servable not found for request: Latest(zzz)"),
    ],
)
def test_metadata_errors(client: Client, model: str, fields: list[str], code: str, text: str) -> None:
    with refused(code, text):
        client.metadata(model, *fields)


def test_status_lists_versions_highest_first(client: Client) -> None:
    statuses = client.status("mlp").model_version_status
    assert [(each.version, each.state, each.status.error_code) for each in statuses] == [(2, 30, 0), (1, 30, 0)]
    assert [each.version for each in client.status("mlp", version=1).model_version_status] == [1]


@pytest.mark.parametrize(
    ("model", "version", "text"),
    [
        ("zz", None, "Could not find any versions of model zz"),
        ("mlp", 5, "Could not find version 5 of model mlp"),
    ],
)
def test_status_errors(client: Client, model: str, version: int | None, text: str) -> None:
    with refused("NOT_FOUND", text):
        client.status(model, version)


def test_reload_without_a_list_is_refused(client: Client) -> None:
    text = (
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
    )
    with refused("INVALID_ARGUMENT", text):
        client.models.HandleReloadConfigRequest(model_management_pb2.ReloadConfigRequest())


@pytest.mark.better_than_real  # not better: what we leave out
def test_classify_is_not_implemented(client: Client) -> None:
    with refused("UNIMPLEMENTED"):
        client.predictions.Classify(classification_pb2.ClassificationRequest())
