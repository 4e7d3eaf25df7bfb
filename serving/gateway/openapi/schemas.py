"""JSON schemas of requests and replies for OpenAPI 3.1, made from a model's contract."""

from collections.abc import Mapping, Sequence
from typing import Any

from serving.contract import Contract
from serving.gateway.openapi.components import FieldSchemas, Schema
from serving.gateway.protocols.inference_v2_tensors import NUMBERS
from serving.gateway.protocols.named_tensors import (
    BOOL,
    BYTES,
    TensorInfo,
    input_tensors,
    json_fields,
    list_fields,
    output_tensors,
)

NUMBER: Schema = {"type": "number"}
STRING: Schema = {"type": "string"}
ANY_OBJECT: Schema = {"type": "object"}

STATISTICS: Schema = {"type": "object", "required": ["model_stats"]}


def nullable(schema: Schema) -> Schema:
    """Describe a value that may be null, which counts as absent."""
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Schema, **more: Any) -> Schema:
    """Describe an array."""
    return {"type": "array", "items": items, **more}


def closed(properties: Mapping[str, Schema], optional: Sequence[str] = ()) -> Schema:
    """Describe an object with these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def predict_request(contract: Contract, named: FieldSchemas, max_instances: int) -> Schema:
    """Describe the JSON of POST /predict/<model>: one instance, or an array of up to *max_instances*."""
    instance = named.instance(contract)
    return {"oneOf": [instance, closed({"instances": array(instance, minItems=1, maxItems=max_instances)})]}


def predict_reply(contract: Contract) -> Schema:
    """Describe its reply."""
    return closed(
        {
            "model": {"const": contract.model},
            "version": {"type": "integer", "minimum": 1},
            "predictions": array(contract.answers.schema, minItems=1),
        }
    )


def infer_request(contract: Contract, named: FieldSchemas) -> Schema:
    """Describe the JSON of the Open Inference Protocol's infer request. Tensors that differ in name alone are one."""
    fields, as_json = named.fields, json_fields(contract)
    required = contract.record.required
    as_text = {name: STRING if name in required else nullable(STRING) for name in as_json}
    tensors = _alike([_input(info, as_text.get(info.name, fields[info.name])) for info in input_tensors(contract)])
    names = [info.name for info in output_tensors(contract.answers)]
    members: Schema = {"name": {"enum": names}, "parameters": nullable(ANY_OBJECT)}
    output = {"type": "object", "properties": members, "required": ["name"]}
    optional = {"id": STRING, "parameters": ANY_OBJECT, "outputs": array(output)}
    properties = {"inputs": _any_of(tensors), **{name: nullable(schema) for name, schema in optional.items()}}
    return {"type": "object", "properties": properties, "required": ["inputs"]}


def _alike(tensors: Sequence[Schema]) -> list[Schema]:
    """Join tensors that differ in name alone: a generated client would have a type for each."""
    joined: list[tuple[Schema, list[str]]] = []
    for tensor in tensors:
        name = tensor["properties"]["name"]["const"]
        bare = {**tensor, "properties": {**tensor["properties"], "name": None}}
        names = next((names for known, names in joined if known == bare), None)
        if names is None:
            joined.append((bare, [name]))
        else:
            names.append(name)
    return [
        {
            **bare,
            "properties": {**bare["properties"], "name": {"enum": names} if len(names) > 1 else {"const": names[0]}},
        }
        for bare, names in joined
    ]


def _input(info: TensorInfo, field: Schema) -> Schema:
    rank = len(info.shape)
    data = {"anyOf": [array(field), array(array(field, minItems=1, maxItems=1))]} if rank == 1 else array(field)
    return {
        "type": "object",
        "properties": {
            "name": {"const": info.name},
            "datatype": {"enum": [info.datatype] if info.datatype in (BYTES, BOOL) else list(NUMBERS)},
            "shape": array({"type": "integer", "minimum": 1}, minItems=rank, maxItems=max(2, rank)),
            "data": data,
            "parameters": nullable(ANY_OBJECT),
        },
        "required": ["name", "datatype", "shape", "data"],
    }


def infer_reply(contract: Contract) -> Schema:
    """Describe its reply."""
    tensors = [
        closed(
            {
                "name": {"const": info.name},
                "datatype": {"const": info.datatype},
                "shape": array({"type": "integer"}),
                "data": array(_scalar(info)),
                "parameters": ANY_OBJECT,
            },
            optional=["data", "parameters"],
        )
        for info in output_tensors(contract.answers)
    ]
    properties = {"model_name": {"const": contract.model}, "model_version": STRING, "id": STRING}
    return closed({**properties, "outputs": _any_of(_alike(tensors))}, optional=["id"])


def rows_request(contract: Contract, named: FieldSchemas, max_instances: int) -> Schema:
    """Describe the row format of TensorFlow Serving's predict request. With one field, bare values are accepted too."""
    instance, lists = named.instance(contract), list_fields(contract)
    fields = {name: field if name in lists else _alone_or_not(field) for name, field in instance["properties"].items()}
    row = {**instance, "properties": fields}
    items = {"anyOf": [row, *fields.values()]} if len(fields) == 1 else row
    signature = {"enum": ["serving_default", ""]}
    instances = array(items, minItems=1, maxItems=max_instances)
    return closed({"signature_name": signature, "instances": instances}, optional=["signature_name"])


def _alone_or_not(schema: Schema) -> Schema:
    return {"anyOf": [schema, array(schema, minItems=1, maxItems=1)]}


def rows_reply(contract: Contract) -> Schema:
    """Describe its reply."""
    columns = {info.name: _row(info) for info in output_tensors(contract.answers)}
    row = next(iter(columns.values())) if len(columns) == 1 else closed(columns)
    return closed({"predictions": array(row, minItems=1)})


def _any_of(tensors: Sequence[Schema]) -> Schema:
    return array({"anyOf": list(tensors)} if len(tensors) > 1 else tensors[0], minItems=1)


def _row(info: TensorInfo) -> Schema:
    return _scalar(info) if len(info.shape) == 1 else array(_scalar(info))


def _scalar(info: TensorInfo) -> Schema:
    return STRING if info.datatype == BYTES else NUMBER
