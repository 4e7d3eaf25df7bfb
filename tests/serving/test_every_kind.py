"""Every kind of encoder and of head, and a mixed contract, through all of serving by each of its doors."""

import base64
import csv
import importlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import jsonschema_rs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from tritonclient import http as triton
from werkzeug.serving import make_server

from serving.commands.drift import drift
from serving.commands.models import models
from serving.commands.score import score
from serving.commands.verify import verify
from serving.contract import Answers, Contract, Record, check_parity
from serving.contract.encoders import Category, Encoder, Number
from serving.contract.heads import Value
from serving.gateway.app import close_app, create_app
from serving.gateway.protocols import open_inference_pb2 as pb
from serving.gateway.protocols.named_tensors import input_tensors, output_columns
from serving.gateway.settings import Settings
from tests.serving.every_kind import Kind, every_kind, expected, make, mixed_kind, model_of
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.stack import free_port

KINDS = every_kind()
MIXED = mixed_kind()
each_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])


@pytest.fixture(scope="module")
def server() -> Iterator[FakeModelServer]:
    server = FakeModelServer().start()
    for kind in KINDS:
        server.publish(kind.contract, model=model_of(kind.contract))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def settings(server: FakeModelServer) -> Settings:
    models = tuple(kind.name for kind in KINDS)
    return Settings(model_server=server.address, models=models, refresh_seconds=3600, grpc_port=free_port())


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[FlaskClient]:
    app = create_app(settings)
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    yield client
    close_app(app)


@pytest.fixture(scope="module")
def address(gateway: FlaskClient) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, gateway.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[triton.InferenceServerClient]:
    client = triton.InferenceServerClient(address)
    yield client
    client.close()


@each_kind
def test_a_contract_reads_back_as_it_was_and_repeats_its_examples(kind: Kind) -> None:
    contract = Contract.from_json(kind.contract.to_json())
    assert contract.to_json() == kind.contract.to_json()
    check_parity(contract, model_of(contract))


@each_kind
def test_the_catalog_admits_it(kind: Kind, gateway: FlaskClient) -> None:
    told = gateway.get(f"/models/{kind.name}").get_json()
    assert (told["ready"], told["versions"], told["refused"]) == (True, [1], {})
    for instance in kind.instances:
        jsonschema_rs.validate(told["instance"]["schema"], instance)


@each_kind
def test_predict_answers_as_the_contract_says(kind: Kind, gateway: FlaskClient) -> None:
    reply = gateway.post(f"/predict/{kind.name}", json={"instances": [*kind.instances]})
    assert (reply.status_code, reply.get_json().get("predictions")) == (200, kind.answers), reply.get_json()
    alone = gateway.post(f"/predict/{kind.name}", json=kind.instances[0])
    assert alone.get_json()["predictions"] == kind.answers[:1]
    schema = gateway.get(f"/models/{kind.name}").get_json()["answer"]["schema"]
    for answer in kind.answers:
        jsonschema_rs.validate(schema, answer)


@each_kind
def test_its_answers_are_explained(kind: Kind, gateway: FlaskClient) -> None:
    target = "&target=0" if kind.name == "to_vector" else ""
    for instance, answer in zip(kind.instances, kind.answers, strict=True):
        reply = gateway.post(f"/explain/{kind.name}?budget=100{target}", json=instance).get_json()
        explanation = reply["explanation"]
        fields = [part["field"] for part in explanation["parts"]]
        assert reply["prediction"] == answer
        assert explanation["sum"] == pytest.approx(explanation["score"], abs=1e-6)
        assert {*fields} == {name for name, value in instance.items() if value not in (None, "")}


@each_kind
def test_all_faults_are_told_at_once_each_with_its_place(kind: Kind, gateway: FlaskClient) -> None:
    good = kind.instances[0]
    bad = {name: value for name, (value, _) in kind.faulty.items()}
    each = [{**good, name: value} for name, value in bad.items()]
    reply = gateway.post(f"/predict/{kind.name}", json={"instances": [good, *each, {**good, **bad}]})
    assert reply.status_code == 422, reply.get_json()
    wanted = [(row, name) for row, name in enumerate(bad, 1)] + [(len(bad) + 1, name) for name in bad]
    pointers = ["/".join(["/instances", str(row), name, *map(str, kind.faulty[name][1])]) for row, name in wanted]
    told = reply.get_json()
    assert told["error_count"] == len(pointers)
    assert {error["pointer"] for error in told["errors"]} <= {*pointers}
    assert len(told["errors"]) == min(len(pointers), 20)
    schema = gateway.get(f"/models/{kind.name}").get_json()["instance"]["schema"]
    for instance in each:
        with pytest.raises(jsonschema_rs.ValidationError):
            jsonschema_rs.validate(schema, instance)


@each_kind
def test_what_is_required_may_be_neither_absent_nor_null(kind: Kind, gateway: FlaskClient) -> None:
    required, good = kind.contract.record.required, kind.instances[0]
    without = [{name: value for name, value in good.items() if name not in required}, good | dict.fromkeys(required)]
    if required:
        reply = gateway.post(f"/predict/{kind.name}", json={"instances": without})
        assert (reply.status_code, reply.get_json()["error_count"]) == (422, 2 * len(required))
    optional = kind.contract.record.fields.keys() - {*required}
    if optional:
        reply = gateway.post(f"/predict/{kind.name}", json=good | dict.fromkeys(optional))
        absent = gateway.post(f"/predict/{kind.name}", json={name: good[name] for name in required})
        assert reply.status_code == absent.status_code == 200
        assert reply.get_json() == absent.get_json()


@each_kind
def test_rows_and_columns_of_tensorflow_servings_protocol(kind: Kind, gateway: FlaskClient) -> None:
    columns = output_columns(kind.contract.answers, kind.answers)
    rows = gateway.post(f"/v1/models/{kind.name}:predict", json={"instances": [*kind.instances]})
    got = rows.get_json()["predictions"]
    (only,) = columns if len(columns) == 1 else (None,)
    assert got == (columns[only] if only else [dict(zip(columns, row)) for row in zip(*columns.values())])  # noqa: B905
    whole = [instance for instance in kind.instances if len(instance) == len(kind.contract.record.fields)]
    asked = {name: [instance[name] for instance in whole] for name in whole[0]}
    got = gateway.post(f"/v1/models/{kind.name}:predict", json={"inputs": asked}).get_json()["outputs"]
    some = {name: values[: len(whole)] for name, values in columns.items()}
    assert got == (some[only] if only else some)
    signature = gateway.get(f"/v1/models/{kind.name}/metadata").get_json()["metadata"]["signature_def"]["signature_def"]
    assert signature["serving_default"]["inputs"].keys() == kind.contract.record.fields.keys()


@each_kind
@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_tensors_by_tritons_client(kind: Kind, binary: bool, client: triton.InferenceServerClient) -> None:
    said = [row for row, instance in enumerate(kind.instances) if _is_whole(instance, kind.contract)]
    inputs = []
    for info in input_tensors(kind.contract):
        encoder = kind.contract.record.fields[info.name]
        values = [_tensor_value(kind.instances[row][info.name], encoder, binary) for row in said]
        array = _array(values, info.datatype, info.shape)
        tensor = triton.InferInput(info.name, list(array.shape), info.datatype)
        inputs.append(tensor.set_data_from_numpy(array, binary_data=binary))
    result = client.infer(kind.name, inputs, outputs=None if binary else _all_outputs(kind))
    _check_outputs(kind, said, {name: result.as_numpy(name) for name in _columns(kind, said)})
    told = client.get_model_metadata(kind.name)
    assert [tensor["name"] for tensor in told["outputs"]] == [*_columns(kind, said)]
    shapes = {tensor["name"]: tensor["shape"] for tensor in told["inputs"]}
    assert all(len(shapes[tensor.name()]) == len(tensor.shape()) for tensor in inputs)
    for tensor in told["outputs"]:
        got = result.as_numpy(tensor["name"]).shape
        assert len(got) == len(tensor["shape"])
        assert all(want in (-1, size) for size, want in zip(got, tensor["shape"], strict=True))


def _is_whole(instance: Mapping[str, Any], contract: Contract) -> bool:
    """Whether tensors can say it: they have no null."""
    return instance.keys() == contract.record.fields.keys() and "null" not in json.dumps(list(instance.values()))


def _tensor_value(value: Any, encoder: Encoder, binary: bool) -> Any:
    if encoder.value_shape is None:
        return json.dumps(value)
    return base64.b64decode(value) if encoder.control == "picture" and binary else value


def _array(values: Sequence[Any], datatype: str, shape: Sequence[int]) -> Any:
    types = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64, "INT32": np.int32, "BOOL": np.bool_}
    if datatype in types:
        return np.array(values, types[datatype]).reshape(len(values), *shape[1:])
    array = np.empty((len(values), *shape[1:]), object)
    for index in np.ndindex(array.shape):
        value = values[index[0]]
        for place in index[1:]:
            value = value[place]
        array[index] = value if isinstance(value, bytes) else value.encode()
    return array


def _columns(kind: Kind, rows: Sequence[int]) -> dict[str, list[Any]]:
    return output_columns(kind.contract.answers, [kind.answers[row] for row in rows])


def _all_outputs(kind: Kind) -> list[triton.InferRequestedOutput]:
    return [triton.InferRequestedOutput(name, binary_data=False) for name in _columns(kind, [0])]


def _check_outputs(kind: Kind, rows: Sequence[int], got: Mapping[str, Any]) -> None:
    for name, values in _columns(kind, rows).items():
        listed = got[name].tolist()
        as_text = json.loads(json.dumps(listed, default=bytes.decode))
        assert as_text == values, name


def test_a_null_in_the_json_of_tensors_counts_as_missing(gateway: FlaskClient) -> None:
    for kind in KINDS:
        fields = kind.contract.record.fields
        if fields.keys() == {"x"} and fields["x"].optional and fields["x"].value_shape == ():
            values = [instance.get("x") for instance in kind.instances]
            datatype = fields["x"].datatype
            asked = {"inputs": [{"name": "x", "shape": [len(values)], "datatype": datatype, "data": values}]}
            reply = gateway.post(f"/v2/models/{kind.name}/infer", json=asked)
            assert reply.status_code == 200, reply.get_json()
            told = {tensor["name"]: tensor["data"] for tensor in reply.get_json()["outputs"]}
            assert told["label"] == _columns(kind, range(len(values)))["label"]


def test_grpc_answers_the_mixed_one_typed_and_raw(settings: Settings, gateway: FlaskClient) -> None:
    said = [row for row, instance in enumerate(MIXED.instances) if _is_whole(instance, MIXED.contract)]
    contents = {"FP64": "fp64_contents", "BYTES": "bytes_contents", "BOOL": "bool_contents", "INT64": "int64_contents"}
    typed, raw = (pb.ModelInferRequest(model_name="mixed") for _ in range(2))
    for info in input_tensors(MIXED.contract):
        encoder = MIXED.contract.record.fields[info.name]
        values = [_tensor_value(MIXED.instances[row][info.name], encoder, binary=True) for row in said]
        array = _array(values, info.datatype, info.shape)
        tensor = typed.inputs.add(name=info.name, datatype=info.datatype, shape=array.shape)
        getattr(tensor.contents, contents[info.datatype]).extend(array.ravel().tolist())
        raw.inputs.add(name=info.name, datatype=info.datatype, shape=array.shape)
        packed = triton.InferInput(info.name, list(array.shape), info.datatype).set_data_from_numpy(array)
        raw.raw_input_contents.append(packed._get_binary_data())
    with grpc.insecure_channel(f"127.0.0.1:{settings.grpc_port}") as channel:
        path = "/inference.GRPCInferenceService/"
        infer = channel.unary_unary(
            f"{path}ModelInfer", pb.ModelInferRequest.SerializeToString, pb.ModelInferResponse.FromString
        )
        replies = [infer(request, timeout=10) for request in (typed, raw)]
        metadata = channel.unary_unary(
            f"{path}ModelMetadata", pb.ModelMetadataRequest.SerializeToString, pb.ModelMetadataResponse.FromString
        )(pb.ModelMetadataRequest(name="mixed"), timeout=10)
    assert replies[0] == replies[1]
    outputs = {it.name: data for it, data in zip(replies[0].outputs, replies[0].raw_output_contents, strict=True)}
    columns = _columns(MIXED, said)
    assert [*outputs] == [*columns] == [tensor.name for tensor in metadata.outputs]
    assert np.frombuffer(outputs["price_value"], "<f8").tolist() == columns["price_value"]
    assert [tensor.name for tensor in metadata.inputs] == [*MIXED.contract.record.fields]


def test_the_api_description_fits_what_is_asked_and_answered(gateway: FlaskClient) -> None:
    document = gateway.get("/openapi.json").get_json()
    count = 0
    for path, operations in document["paths"].items():
        asked = operations.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in asked.get("examples", {}).values():
            _validator(document, asked["schema"]).validate(example["value"])
            parameters = [each for each in operations["post"].get("parameters", []) if each.get("required")]
            query = {each["name"]: _any_of(document, each["schema"]) for each in parameters if each["in"] == "query"}
            reply = gateway.post(path, json=example["value"], query_string=query)
            assert reply.status_code == 200, (path, reply.get_json())
            answer = operations["post"]["responses"]["200"]["content"]["application/json"]
            _validator(document, answer["schema"]).validate(reply.get_json())
            if "example" in answer:
                assert reply.get_json()["predictions"][0] == answer["example"]["predictions"][0]
            count += 1
    assert count == 5 * len(KINDS)


def _any_of(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return a value that a schema of names allows."""
    names = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return str(names["enum"][0])


def _validator(document: Mapping[str, Any], schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """A schema of the document, with what it may refer to."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


def test_a_generated_client_has_one_type_for_equal_fields(model_server: FakeModelServer) -> None:
    fields: dict[str, Encoder] = {
        f"f{number}": Category.fit(["a", "b", None]) if number % 2 else Number.fit([1.0, None]) for number in range(50)
    }
    record, answers = Record.packed(fields, "packed"), Answers.single(Value("EUR"))
    wide = make("wide", record, answers, [dict.fromkeys(fields)])
    model_server.publish(wide, model=model_of(wide))
    app = create_app(Settings(model_server=model_server.address, models=("wide",), refresh_seconds=3600))
    client = app.test_client()
    wait_until(lambda: client.get("/models/wide").get_json()["ready"])
    document = client.get("/openapi.json").get_json()
    close_app(app)

    named = [name for name in document["components"]["schemas"] if name.startswith("wide")]
    assert named == ["wide_f1"]
    assert document["components"]["schemas"]["wide_f1"]["enum"] == ["b", "a"]
    assert sum(map(_types, (document["paths"], document["components"]))) < 60  # it was 668


def _types(described: Any) -> int:
    """How many types a generator makes: of objects, and of lists of values."""
    inner = described.values() if isinstance(described, dict) else described if isinstance(described, list) else ()
    is_type = isinstance(described, dict) and (
        described.get("type") == "object" or isinstance(described.get("enum"), list)
    )
    return is_type + sum(map(_types, inner))


@each_kind
def test_the_api_description_takes_every_instance_and_refuses_every_fault(kind: Kind, gateway: FlaskClient) -> None:
    document = gateway.get("/openapi.json").get_json()
    predict, rows = (
        _validator(document, document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"])
        for path in (f"/predict/{kind.name}", f"/v1/models/{kind.name}:predict")
    )
    for validator in (predict, rows):
        validator.validate({"instances": [*kind.instances]})
        for name, (value, _) in kind.faulty.items():
            assert not validator.is_valid({"instances": [{**kind.instances[0], name: value}]}), name


def test_metrics_can_be_read_and_name_nothing_that_no_contract_has(gateway: FlaskClient) -> None:
    for kind in KINDS:
        assert gateway.post(f"/predict/{kind.name}", json={"instances": [*kind.instances]}).status_code == 200
    families = {it.name: it for it in text_string_to_metric_families(gateway.get("/metrics").get_data(as_text=True))}
    for kind in KINDS:
        reference = kind.contract.reference
        assert reference is not None
        known = {feature.name: {*feature.bins} for feature in reference.features}
        assert len(known) == len(reference.features)
        told = [it for it in families["plumbline_gateway_feature_instances"].samples if it.labels["model"] == kind.name]
        assert all(it.labels["bin"] in known[it.labels["feature"]] for it in told if it.name.endswith("_total"))
        windows = [
            it.value
            for it in families["plumbline_gateway_drift_window_instances"].samples
            if it.labels["model"] == kind.name
        ]
        assert windows[0] >= len(kind.instances)
        given = [
            it.labels["feature"]
            for it in families["plumbline_gateway_reference_ratio"].samples
            if it.labels["model"] == kind.name
        ]
        assert {*given} == {*known}
        counted = {it.labels["feature"] for it in told}
        assert {*kind.contract.record.categories} <= counted | {"vocabulary_"}, kind.name
        assert windows[0] == int(windows[0])


def _counted(gateway: FlaskClient, model: str) -> dict[str, float]:
    families = text_string_to_metric_families(gateway.get("/metrics").get_data(as_text=True))
    (predictions,) = [it for it in families if it.name == "plumbline_gateway_predictions"]
    totals = [it for it in predictions.samples if it.name.endswith("_total") and it.labels["model"] == model]
    return {it.labels["label"]: it.value for it in totals}


def test_predictions_are_counted_by_label_and_tag_of_each_head(gateway: FlaskClient) -> None:
    (tags,) = [kind for kind in KINDS if kind.name == "to_tags"]
    for kind in (tags, MIXED):
        before = _counted(gateway, kind.name)
        assert gateway.post(f"/predict/{kind.name}", json={"instances": [*kind.instances]}).status_code == 200
        names = [
            name
            for answer in kind.answers
            for name in (
                answer["tags"]
                if kind is tags
                else [f"label.{answer['label']['label']}", *(f"topics.{tag}" for tag in answer["topics"]["tags"])]
            )
        ]
        more = {name: value - before.get(name, 0) for name, value in _counted(gateway, kind.name).items()}
        assert {name: count for name, count in more.items() if count} == {it: names.count(it) for it in names}


@each_kind
def test_verify_agrees(kind: Kind, address: str) -> None:
    result = CliRunner().invoke(verify, [kind.name, "--url", f"http://{address}"])
    assert result.exit_code == 0, result.output


def _scored(server: FakeModelServer, kind: Kind, path: Path, output: Path, *options: str) -> Result:
    command = [str(path), "--model", kind.name, "--model-server", server.address, "--output", str(output), *options]
    result = CliRunner().invoke(score, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    rejects = Path(f"{output}.rejects.jsonl")
    assert not rejects.exists() or not rejects.read_text(), rejects.read_text()
    return result


def _flat(kind: Kind) -> list[dict[str, Any]]:
    return [kind.contract.answers.flat(answer) for answer in kind.answers]


def _answered(kind: Kind, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in kind.contract.answers.columns}


@each_kind
def test_lines_of_json_are_scored_to_parquet(kind: Kind, server: FakeModelServer, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(instance) + "\n" for instance in kind.instances), "utf-8")
    _scored(server, kind, path, tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist(maps_as_pydicts="strict")
    assert [_answered(kind, row) for row in rows] == _flat(kind)
    assert "0 rejected" in _scored(server, kind, path, tmp_path / "no.csv", "--dry-run").output


@each_kind
@pytest.mark.parametrize("missing", ["", "NA", "NaN"], ids=["empty", "NA", "NaN"])
def test_csv_is_scored_to_lines_of_json(kind: Kind, missing: str, server: FakeModelServer, tmp_path: Path) -> None:
    path, fields = tmp_path / "in.csv", kind.contract.record.fields
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(fields)
        for instance in kind.instances:
            writer.writerow([_cell(instance.get(name), missing, encoder) for name, encoder in fields.items()])
    _scored(server, kind, path, tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [row["row_id"] for row in rows] == [f"{path}:{number}" for number in range(1, len(rows) + 1)]
    assert [_answered(kind, row) for row in rows] == _flat(kind)


def _cell(value: Any, missing: str, encoder: Encoder) -> str:
    if value is None:
        return "" if encoder.control == "text" else missing  # NA may be a text
    return value if isinstance(value, str) else json.dumps(value)


@each_kind
def test_parquet_is_scored_to_csv(kind: Kind, server: FakeModelServer, tmp_path: Path) -> None:
    path, fields = tmp_path / "in.parquet", kind.contract.record.fields
    pq.write_table(pa.Table.from_pylist([{name: it.get(name) for name in fields} for it in kind.instances]), path)
    _scored(server, kind, path, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kinds = kind.contract.answers.columns
    read = [{name: row[name] if kinds[name] == "text" else json.loads(row[name]) for name in kinds} for row in rows]
    assert read == _flat(kind)


@each_kind
def test_drift_reads_the_rows_and_the_answers_of_a_file(kind: Kind, server: FakeModelServer, tmp_path: Path) -> None:
    (tmp_path / "1" / "assets.extra").mkdir(parents=True)
    (tmp_path / "1" / "assets.extra" / "contract.json").write_text(kind.contract.to_json(), "utf-8")
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(instance) + "\n" for instance in kind.instances) * 10, "utf-8")
    command = [str(path), "--model", kind.name, "--saved-model", str(tmp_path / "1"), "--json"]
    told = CliRunner().invoke(drift, command, catch_exceptions=False)
    assert told.exit_code == 0, told.output
    report = json.loads(told.stdout)
    assert (report["rows"], report["invalid_rows"]) == (10 * len(kind.instances), 0)
    measured = len(kind.contract.record.measures) + len(kind.contract.record.categories)
    assert len({feature["feature"] for feature in report["features"]}) == measured
    assert {feature["verdict"] for feature in report["features"]} <= {"stable", "too few rows"}
    if not {*kind.contract.answers.columns} & {*kind.contract.record.fields}:
        _check_drift_of_answers(kind, server, path, command)


def _check_drift_of_answers(kind: Kind, server: FakeModelServer, path: Path, command: list[str]) -> None:
    fields = [*kind.contract.record.fields]
    assert kind.contract.reference is not None
    for output in ("scored.csv", "scored.jsonl") if kind.name.startswith("to_") else ("scored.jsonl",):
        keep = [f"--keep={name}" for name in fields]
        _scored(server, kind, path, path.with_name(output), *keep)
        told = CliRunner().invoke(drift, [str(path.with_name(output)), *command[1:]], catch_exceptions=False)
        assert told.exit_code == 0, told.output
        told_of = {feature["feature"]: feature for feature in json.loads(told.stdout)["features"]}
        assert [*told_of] == [feature.name for feature in kind.contract.reference.features]
        assert {feature["verdict"] for feature in told_of.values()} <= {"stable", "too few rows"}
        assert all(feature["psi"] < 0.1 for feature in told_of.values()), told_of


@each_kind
def test_models_show_lists_the_fields(kind: Kind, tmp_path: Path) -> None:
    version = tmp_path / kind.name / "1"
    (version / "assets.extra").mkdir(parents=True)
    (version / "assets.extra" / "contract.json").write_text(kind.contract.to_json(), "utf-8")
    (version / "saved_model.pb").write_bytes(b"")
    told = CliRunner().invoke(models, ["show", kind.name, "--models-dir", str(tmp_path)], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    (fields,) = [line for line in told.output.splitlines() if line.startswith("fields")]
    assert all(name in fields for name in kind.contract.record.fields)


PARQUET_TYPES = {
    "of_strings": (["a", None, "never seen"], pa.dictionary(pa.int8(), pa.string())),
    "of_integers": ([3.0, float("nan"), 99.0], pa.float64()),
    "of_booleans": ([True, None, False], pa.bool_()),
    "of_number": ([1, None, -3], pa.int16()),
    "of_tags": ([["a"], None, ["z", "b"]], pa.large_list(pa.dictionary(pa.int8(), pa.string()))),
    "of_number_tags": ([[1, 1], [2], []], pa.list_(pa.int8())),
    "of_date": ([20000, None, 20001], pa.date32()),
    "of_closed_date": ([10**15, 2 * 10**15, 0], pa.timestamp("us", "Europe/Berlin")),
    "of_optional_text": (["a film", None, ""], pa.large_string()),
    "of_image": ([base64.b64decode(MIXED.instances[0]["picture"])] * 3, pa.binary()),
    "of_array": ([[[1, 2], [3, 4]], None, [[1, None], [3, 4]]], pa.list_(pa.list_(pa.float32(), 2), 2)),
    "of_padded": ([[1, 2], [], [3]], pa.large_list(pa.int32())),
    "of_raw_numbers": ([[1.0, 2.0, 3.0]] * 3, pa.list_(pa.float32(), 3)),
    "of_raw_number": ([1, 2**60, 3], pa.uint64()),
    "of_raw_truth": ([[True, False]] * 3, pa.list_(pa.bool_())),
    "of_raw_text": (["a", "", "b"], pa.dictionary(pa.int32(), pa.large_string())),
    "of_raw_texts": ([["a", "b"]] * 3, pa.list_(pa.large_string(), 2)),
}
WANTED = {
    "of_integers": [3, None, 99],
    "of_date": ["2024-10-04", None, "2024-10-05"],
    "of_closed_date": ["2001-09-09T01:46:40Z", "2033-05-18T03:33:20Z", "1970-01-01T00:00:00Z"],
}


@pytest.mark.parametrize("name", PARQUET_TYPES)
def test_parquets_types_are_read_as_the_values_that_they_hold(
    name: str, server: FakeModelServer, tmp_path: Path
) -> None:
    (kind,) = [kind for kind in KINDS if kind.name == name]
    values, parquet_type = PARQUET_TYPES[name]
    pq.write_table(pa.table({"x": pa.array(values, parquet_type)}), tmp_path / "in.parquet")
    _scored(server, kind, tmp_path / "in.parquet", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    instances = [{"x": value} for value in WANTED.get(name, values)]
    answers = expected(kind.contract, instances)
    assert [_answered(kind, row) for row in rows] == [kind.contract.answers.flat(answer) for answer in answers]


@each_kind
def test_no_row_of_a_file_is_lost(kind: Kind, server: FakeModelServer, tmp_path: Path) -> None:
    good, bad = kind.instances[0], {name: value for name, (value, _) in kind.faulty.items()}
    path, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (good, {**good, **bad}, good)), "utf-8")
    command = [str(path), "--model", kind.name, "--model-server", server.address, "--output", str(output)]
    result = CliRunner().invoke(score, command, catch_exceptions=False)
    assert "2 scored, 1 rejected" in result.output
    (reject,) = map(json.loads, Path(f"{output}.rejects.jsonl").read_text("utf-8").splitlines())
    assert reject["row"] == 2
    assert all(name in reject["reason"] for name in bad)
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert [_answered(kind, row) for row in rows] == [_flat(kind)[0]] * 2


OWN = """
from serving.contract.arrays import TensorSpec
from serving.contract.encoders import Number, Raw
from serving.contract.heads import Value


class Loudness(Raw):
    kind = "loudness"
    block = TensorSpec("float32", (None, 1))

    def __init__(self, dtype="string", shape=(), most_characters=1000):
        super().__init__("string", (), most_characters)

    def encode(self, column):
        import numpy as np

        return np.array([[text.count(b"!")] for text in column], np.float32)

    def to_state(self):
        return {"most": 9}

    @classmethod
    def from_state(cls, state):
        if state["most"] != 9:
            raise RuntimeError("most is not nine")
        return cls()


class Stars(Value):
    kind = "stars"

    def answers(self, values):
        return [{**answer, "unit": "stars"} for answer in super().answers(values)]
"""
ENTRY_POINTS = """[plumbline.encoders]
loudness = own_kinds_of_mine:Loudness
[plumbline.heads]
stars = own_kinds_of_mine:Stars
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """A model with kinds of its own, from a package that only this process has."""
    info = tmp_path / "package" / "own_kinds-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-kinds\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "package" / "own_kinds_of_mine.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path / "package"))
    module = importlib.import_module("own_kinds_of_mine")
    instances = [{"shout": "hey!"}, {"shout": "hey"}]
    record = Record.single("shout", module.Loudness(), "given")
    contract = make("own", record, Answers.single(module.Stars("stars")), instances)
    return Kind(contract, instances, {})


def _opened(server: FakeModelServer) -> tuple[Flask, FlaskClient]:
    settings = Settings(model_server=server.address, models=("own", "to_value"), refresh_seconds=3600)
    app = create_app(settings)
    client = app.test_client()
    wait_until(lambda: client.get("/models/to_value").get_json()["ready"])
    return app, client


@pytest.fixture
def two(model_server: FakeModelServer, own: Kind) -> FakeModelServer:
    (other,) = [kind for kind in KINDS if kind.name == "to_value"]
    for kind in (own, other):
        model_server.publish(kind.contract, model=model_of(kind.contract))
    return model_server


def test_kinds_of_ones_own_come_by_entry_points(two: FakeModelServer, own: Kind) -> None:
    document = json.loads(own.contract.to_json())
    package = {"name": "own-kinds", "version": "1.2"}
    assert document["fields"][0]["package"] == document["heads"][0]["package"] == package
    app, client = _opened(two)
    reply = client.post("/predict/own", json={"instances": [*own.instances]}).get_json()
    assert reply["predictions"] == own.answers
    assert reply["predictions"][0]["unit"] == "stars"
    close_app(app)


def test_a_gateway_without_the_package_refuses_that_version_alone(
    two: FakeModelServer, own: Kind, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (other,) = [kind for kind in KINDS if kind.name == "to_value"]
    plain = replace(other.contract, model="own")
    two.publish(plain, version=2, model=model_of(plain))
    two.publish(own.contract, version=3, model=model_of(own.contract))
    monkeypatch.setattr(sys, "path", [place for place in sys.path if not place.startswith(str(tmp_path))])
    monkeypatch.delitem(sys.modules, "own_kinds_of_mine")
    app, client = _opened(two)
    told = client.get("/models/own").get_json()
    assert (told["ready"], told["versions"]) == (True, [2])
    assert told["refused"].keys() == {"1", "3"}
    assert "needs the package own-kinds 1.2, which is not installed" in told["refused"]["3"]
    for model in ("own", "to_value"):
        assert client.post(f"/predict/{model}", json=other.instances[0]).get_json()["predictions"] == other.answers[:1]
    assert client.get("/openapi.json").status_code == client.get("/metrics").status_code == 200
    close_app(app)


@pytest.mark.parametrize("told", ["most is not nine", "too loud"])
def test_whatever_a_kind_of_ones_own_raises_is_told(
    two: FakeModelServer, own: Kind, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_loud(*args: Any) -> Any:
        raise RuntimeError("too loud")

    document = own.contract.to_json()
    if told == "too loud":
        monkeypatch.setattr(type(own.contract.record.fields["shout"]), "encode", too_loud)
    else:
        document = document.replace('"most": 9', '"most": 8')
    two.versions["own"] = {1: (document.encode(), two.versions["own"][1][1])}
    app, client = _opened(two)
    details = client.get("/models/own").get_json()
    assert not details["ready"]
    assert f"RuntimeError('{told}')" in details["refused"]["1"]
    assert client.get("/models").status_code == 200
    close_app(app)


def test_only_a_model_of_nothing_but_a_file_is_said_to_take_one(gateway: FlaskClient) -> None:
    document = gateway.get("/openapi.json").get_json()
    paths = document["paths"]
    content = {it: paths[f"/predict/{it}"]["post"]["requestBody"]["content"] for it in ("of_image", "mixed", "of_tags")}
    assert [*content["mixed"]] == [*content["of_tags"]] == ["application/json"]
    named = content["of_image"]["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]
    assert [*document["components"]["schemas"][named]["properties"]] == ["x"]


@pytest.mark.parametrize(("model", "told"), [("of_raw_number", "for int64"), ("of_integers", "at most 64 bits")])
@pytest.mark.parametrize("number", ["18446744073709551616", "9223372036854775808", "-9223372036854775809", "1" * 40])
def test_a_whole_number_beyond_64_bits_is_refused(model: str, told: str, number: str, gateway: FlaskClient) -> None:
    """A reader of JSON may make a float of it, which may be another whole number."""
    tensor = {"name": "x", "shape": [1], "datatype": "INT64", "data": ["N"]}
    for path, body in {
        f"/predict/{model}": f'{{"x": {number}}}',
        f"/v1/models/{model}:predict": f'{{"instances": [{number}]}}',
        f"/v2/models/{model}/infer": json.dumps({"inputs": [tensor]}).replace('"N"', number),
    }.items():
        reply = gateway.post(path, data=body, content_type="application/json")
        assert reply.status_code in (400, 422)
        assert told in reply.get_data(as_text=True)


@pytest.mark.parametrize("body", ["instances", "inputs"])
@pytest.mark.parametrize("is_bare", [True, False])
def test_texts_within_lists_may_be_base64(body: str, is_bare: bool, gateway: FlaskClient) -> None:
    value = ["a", {"b64": base64.b64encode("很好".encode()).decode()}]
    asked = {"instances": [value if is_bare else {"x": value}], "inputs": [value] if is_bare else {"x": [value]}}
    plain = json.loads(json.dumps(asked).replace(json.dumps(value[1]), json.dumps("很好")))
    replies = [gateway.post("/v1/models/of_raw_texts:predict", json={body: each[body]}) for each in (asked, plain)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].get_json() == replies[1].get_json()
    broken = gateway.post("/v1/models/of_raw_texts:predict", json={"instances": [["a", {"b64": "?"}]]})
    assert "field 'x/1': expected a string, got {'b64': '?'}" in broken.get_json()["error"]


def test_a_missing_list_is_a_null_among_tensors_too(gateway: FlaskClient) -> None:
    document = gateway.get("/openapi.json").get_json()
    infer = document["paths"]["/v2/models/of_tags/infer"]["post"]
    schema = infer["requestBody"]["content"]["application/json"]["schema"]
    asked = {"inputs": [{"name": "x", "shape": [2], "datatype": "BYTES", "data": [None, '["a"]']}]}
    _validator(document, schema).validate(asked)
    assert gateway.post("/v2/models/of_tags/infer", json=asked).status_code == 200
