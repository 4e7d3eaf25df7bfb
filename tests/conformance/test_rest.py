"""The REST port: routes, the two request formats, codes and texts."""

import base64
import gzip
import json
from typing import Any

import pytest

from tests.conformance.servers import Address

MLP = "/v1/models/mlp:predict"
ROW = [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (MLP, {"instances": [ROW, ROW]}, {"predictions": [{"sum": 20.0, "diff": -4.0}] * 2}),
        (MLP, {"instances": [{"features": ROW}]}, {"predictions": [{"sum": 20.0, "diff": -4.0}]}),
        (MLP, {"inputs": [ROW]}, {"outputs": {"sum": [20.0], "diff": [-4.0]}}),
        (MLP, {"inputs": {"features": [ROW], "more": 1}}, {"outputs": {"sum": [20.0], "diff": [-4.0]}}),
        (MLP, {"instances": [[1, 2, 3, 4]]}, {"predictions": [{"sum": 20.0, "diff": -4.0}]}),
        ("/v1/models/mlp/versions/1:predict", {"inputs": [ROW]}, {"outputs": {"sum": [10.0], "diff": [-2.0]}}),
        ("/V1/Models/mlp:predict", {"inputs": [ROW]}, {"outputs": {"sum": [20.0], "diff": [-4.0]}}),
        ("/v1/models/%6Dlp:predict", {"inputs": [ROW]}, {"outputs": {"sum": [20.0], "diff": [-4.0]}}),
        ("/v1/models/pair:predict", {"instances": [{"left": 1, "right": 0.5}]}, {"predictions": [1.5]}),
        ("/v1/models/pair:predict", {"inputs": {"left": [1], "right": [2]}}, {"outputs": [3.0]}),
        (
            "/v1/models/mlp/versions/1:predict",
            {"signature_name": "contract", "instances": [1]},
            {"predictions": ['{"scale": 1.0}']},
        ),
    ],
)
def test_predict(rest: Address, path: str, body: Any, expected: Any) -> None:
    assert rest.ask("POST", path, body) == (200, expected)


def test_bytes_are_base64_in_and_out(rest: Address) -> None:
    coded = {"b64": base64.b64encode(b"abc").decode()}
    expected = {"text": "abc", "raw_bytes": coded}
    assert rest.ask("POST", "/v1/models/echo:predict", {"instances": [coded]}) == (200, {"predictions": [expected]})


def test_trailing_bytes_are_ignored(rest: Address) -> None:
    assert rest.ask("POST", MLP, json.dumps({"inputs": [ROW]}) + " trailing")[0] == 200


def test_gzip_is_unpacked(rest: Address) -> None:
    body = gzip.compress(json.dumps({"inputs": [ROW]}).encode())
    assert rest.ask("POST", MLP, body, **{"Content-Encoding": "gzip"})[0] == 200


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", "JSON Parse error: The document is empty"),
        ('{"inputs": [1,}', "JSON Parse error: Invalid value. at offset: "),
        ([1], "JSON Value: [1] Is not object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"inputs": 1, "instances": 1}, "expecting only one of 'inputs' or 'instances' keys to exist "),
        ({"instances": []}, "No values in 'instances' array"),
        ({"instances": 1}, "Expecting 'instances' to be an list/array"),
        ({"signature_name": 1, "inputs": [ROW]}, "'signature_name' key must be a string value."),
        ({"signature_name": "qq", "inputs": [ROW]}, 'Serving signature name: "qq" not found in signature def'),
        (
            {"instances": [ROW, [1, 2]]},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 4 but "
            "got: 2",
        ),
        (
            {"instances": ["a"]},
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: \"a\" Type: String "
            "is not of expected type: float",
        ),
        (
            {"instances": [{"zz": 1}]},
            "Failed to process element: 0 key: zz of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not "
            "have named input: zz",
        ),
        ({"inputs": {"y": 1}}, "Missing named input: features in 'inputs' object."),
        ({"instances": [[1, 2, 3]]}, ""),
    ],
)
def test_bad_bodies(rest: Address, body: Any, text: str) -> None:
    status, answer = rest.ask("POST", MLP, body)
    assert status == 400
    assert text in answer["error"]


def test_a_plain_list_for_several_inputs(rest: Address) -> None:
    status, answer = rest.ask("POST", "/v1/models/pair:predict", {"instances": [1]})
    assert (status, answer["error"]) == (
        400,
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
        "tensorinfo_map",
    )


def test_status(rest: Address) -> None:
    fine = {"error_code": "OK", "error_message": ""}
    expected = [{"version": version, "state": "AVAILABLE", "status": fine} for version in ("2", "1")]
    assert rest.ask("GET", "/v1/models/mlp") == (200, {"model_version_status": expected})
    assert rest.ask("GET", "/v1/models/mlp/versions/1") == (200, {"model_version_status": expected[1:]})


def test_metadata(rest: Address) -> None:
    status, answer = rest.ask("GET", "/v1/models/mlp/metadata")
    assert status == 200
    assert answer["model_spec"] == {"name": "mlp", "signature_name": "", "version": "2"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["features"]["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in signature["inputs"]["features"]["tensor_shape"]["dim"]] == ["-1", "4"]


@pytest.mark.parametrize(
    ("verb", "path", "status", "text"),
    [
        ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
        ("DELETE", "/v1/models/mlp", 400, "Malformed request: DELETE /v1/models/mlp"),
        ("GET", MLP, 400, f"Malformed request: GET {MLP}"),
        ("POST", "/v1/models/mlp:Predict", 400, "Malformed request: POST /v1/models/mlp:Predict"),
        ("POST", "/v1/models/mlp:PREDICT", 400, "Malformed request: POST /v1/models/mlp:PREDICT"),
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("GET", "/v1/models/zz", 404, "Could not find any versions of model zz"),
        ("GET", "/v1/models/mlp?x=1", 404, "Could not find any versions of model mlp?x=1"),
        ("GET", "/v1/models/zz/metadata", 404, "Servable not found for request: Latest(zz)"),
        ("POST", "/v1/models/zz:predict", 404, "Servable not found for request: Latest(zz)"),
        ("POST", "/v1/models/mlp/versions/9:predict", 404, "Servable not found for request: Specific(mlp, 9)"),
        ("POST", "/v1/models/mlp/labels/no:predict", 400, "Unrecognized servable version label: no"),
    ],
)
def test_bad_routes(rest: Address, verb: str, path: str, status: int, text: str) -> None:
    assert rest.ask(verb, path, {} if verb == "POST" else None) == (status, {"error": text})


def test_outside_of_v1(rest: Address) -> None:
    status, answer = rest.ask("GET", "/elsewhere")
    assert status == 404
    assert "<html>" in answer.lower()


def _metrics(rest: Address) -> dict[str, float]:
    status, text = rest.ask("GET", "/monitoring/prometheus/metrics")
    if status == 404:
        pytest.skip("the server was started without a monitoring_config_file")
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_metrics_count_and_time_requests(rest: Address) -> None:
    count = ':tensorflow:serving:request_count{model_name="mlp",status="OK"}'
    latency = ':tensorflow:serving:request_latency_bucket{model_name="mlp",API="predict",entrypoint="REST",le="%s"}'
    rest.ask("POST", MLP, {"inputs": [ROW]})
    before = _metrics(rest)
    rest.ask("POST", MLP, {"inputs": [ROW]})
    after = _metrics(rest)
    assert after[count] == before[count] + 1
    assert after[latency % "+Inf"] == before[latency % "+Inf"] + 1
    assert latency % "10" in after
    assert latency % "18" in after
    assert latency % "32.4" in after


@pytest.mark.better_than_real
def test_a_clients_invention_is_no_metric_label(rest: Address) -> None:
    rest.ask("POST", "/v1/models/invented:predict", {})
    metrics = _metrics(rest)
    assert not any("invented" in name for name in metrics)
    assert ':tensorflow:serving:request_count{model_name="",status="NOT_FOUND"}' in metrics
