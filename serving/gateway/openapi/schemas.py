"""JSON schemas of requests and replies for OpenAPI 3.1, made from a model's contract."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from serving.contract import Contract
from serving.contract.heads import Head, Labels, TagSet, Values
from serving.explanation import has_usual_target, least_budget
from serving.explanation.targets import target_names
from serving.gateway.openapi.components import Schema, Types, listed, one_of, ref, words
from serving.gateway.protocols.named_tensors import (
    BOOL,
    BYTES,
    TensorInfo,
    input_tensors,
    json_fields,
    list_fields,
    output_tensors,
)
from serving.truth.comparing import COMPARED
from serving.truth.feedback import MAX_INDEX, REQUEST_ID

_VERSION: Schema = {"type": "integer", "minimum": 1}
NUMBER: Schema = {"type": "number"}
STRING: Schema = {"type": "string"}
ANY_OBJECT: Schema = {"type": "object", "additionalProperties": True}


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


def predict_request(types: Types, max_instances: int) -> Schema:
    """Describe the JSON of POST /predict/<model>: one instance, or an array of up to *max_instances*."""
    many = closed({"instances": array(types.instance, minItems=1, maxItems=max_instances)})
    return {"oneOf": [types.instance, types.add("Instances", many)]}


def predict_files(field: str, types: Types, max_instances: int) -> Schema:
    """Describe a form with the files of a *field*, each of them an instance."""
    file: Schema = {"type": "string", "format": "binary"}
    properties = {field: array(file, minItems=1, maxItems=max_instances)}
    return types.add("Files", {"type": "object", "properties": properties, "required": [field]})


def predict_reply(contract: Contract, types: Types) -> Schema:
    """Describe its reply."""
    predictions = array(_answer(contract, types), minItems=1)
    reply = closed({"model": {"const": contract.model}, "version": _VERSION, "predictions": predictions})
    return types.add("Predictions", reply)


def explain_reply(contract: Contract, types: Types) -> Schema:
    """Describe the reply to POST /explain/<model>."""
    explained = {"prediction": _answer(contract, types), "explanation": ref("Explanation")}
    return types.add("Explained", closed({"model": {"const": contract.model}, "version": _VERSION, **explained}))


def explain_parameters(contract: Contract, types: Types, budget: int) -> list[dict[str, Any]]:
    """Describe its query, of a gateway whose explanations take at most *budget* predictions."""
    heads, outputs = contract.answers.heads, contract.examples[0].outputs
    rows = {name: array[None] for name, array in outputs.items()}
    targets = {name: None for head in heads for name in target_names(contract.answers, rows, head)}
    least = least_budget(contract)
    parameters: list[tuple[str, Schema, str]] = [
        (
            "target",
            types.add(_target_type(contract.answers.only), one_of([*targets])),
            "The label, tag or value whose score is explained.",
        ),
        ("method", ref("Method"), "Shapley values, or what the score loses without each part."),
        ("budget", {"type": "integer", "minimum": least, "maximum": budget}, "The most predictions that it takes."),
    ]
    if not contract.answers.only:
        parameters.append(("head", types.add("Head", one_of([*heads])), "The part of the answer to explain."))
    needed = {"target"} if contract.answers.only and not has_usual_target(contract.answers.only) else set()
    return [
        {"name": name, "in": "query", "schema": schema, "description": text, "required": name in needed}
        for name, schema, text in parameters
    ]


def _answer(contract: Contract, types: Types) -> Schema:
    answers = contract.answers
    if answers.only:
        return types.add("Answer", _named_parts("", answers.schema, types))
    heads = {
        name: types.add(f"{words(name)}Answer", _named_parts(words(name), schema, types))
        for name, schema in answers.schema["properties"].items()
    }
    return types.add("Answer", {**answers.schema, "properties": heads})


def _named_parts(head: str, schema: Schema, types: Types) -> Schema:
    """Return the schema of a head's answer, with names for those of its parts of which a generator makes types."""
    return {**schema, "properties": {name: _part(head + words(name), each, types) for name, each in _parts(schema)}}


def _parts(schema: Schema) -> Iterable[tuple[str, Schema]]:
    properties: Mapping[str, Schema] = schema["properties"]
    return properties.items()


def _part(name: str, schema: Schema, types: Types) -> Schema:
    match schema:
        case {"propertyNames": _, "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}}:
            return ref("Scores")
        case {"enum": _} | {"type": "object"}:
            return types.add(name, listed(schema))
        case {"items": {"enum": _} as items}:
            return {**schema, "items": types.add(name.removesuffix("s"), listed(items))}
    return schema


def _target_type(head: Head | None) -> str:
    """Return what the type of the targets is called: a label's is that of the answer's label, too."""
    return {Labels: "Label", TagSet: "Tag"}.get(type(head), "Target")


def feedback_request(contract: Contract, types: Types, max_items: int) -> Schema:
    """Describe the JSON of POST /feedback/<model>: one item, or an array of up to *max_items*."""
    members = {
        "request_id": {**STRING, "pattern": f"^{REQUEST_ID.pattern}$", "description": "X-Request-ID of a prediction."},
        "index": {"type": "integer", "minimum": 0, "maximum": MAX_INDEX, "description": "The instance, from 0."},
        "truth": _truths(contract, types),
        "version": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_INDEX, "description": "Which answered."},
    }
    item = types.add("Truth", closed(members, optional=["index", "version"]))
    many = closed({"feedback": array(item, minItems=1, maxItems=max_items)})
    return {"oneOf": [item, types.add("Feedback", many)]}


def compared(contract: Contract) -> dict[str, Head]:
    """Return the heads whose answers have a truth."""
    return {name: head for name, head in contract.answers.heads.items() if isinstance(head, COMPARED)}


def true_example(contract: Contract) -> Any:
    """Return what may be true of an answer."""
    truths = {name: _example(head) for name, head in compared(contract).items()}
    return next(iter(truths.values())) if contract.answers.only else truths


def _truths(contract: Contract, types: Types) -> Schema:
    if contract.answers.only:
        return _truth("", contract.answers.only, types)
    heads = {name: _truth(words(name), head, types) for name, head in compared(contract).items()}
    return types.add("Truths", {**closed(heads, optional=[*heads]), "minProperties": 1})


def _truth(name: str, head: Head, types: Types) -> Schema:
    match head:
        case Labels():
            return types.add(f"{name}Label", one_of(head.names))
        case TagSet():
            return array(types.add(f"{name}Tag", one_of(head.names)), uniqueItems=True)
        case Values():
            numbers = dict.fromkeys(head.names, NUMBER)
            return types.add(f"{name}TrueValues", {**closed(numbers, optional=head.names), "minProperties": 1})
    return NUMBER


def _example(head: Head) -> Any:
    match head:
        case Labels():
            return head.names[0]
        case TagSet():
            return [head.names[0]]
        case Values():
            return {head.names[0]: 1.0}
    return 1.0


def infer_request(contract: Contract, types: Types) -> Schema:
    """Describe the JSON of the Open Inference Protocol's infer request. Tensors that differ in name alone are one."""
    fields, as_json = types.fields, json_fields(contract)
    required = contract.record.required
    as_text = {name: STRING if name in required else nullable(STRING) for name in as_json}
    alike: list[tuple[Schema, list[str]]] = []
    for info in input_tensors(contract):
        tensor = _input(info, as_text.get(info.name, fields[info.name]))
        names = next((names for known, names in alike if known == tensor), None)
        if names is None:
            alike.append((tensor, [info.name]))
        else:
            names.append(info.name)
    tensors = [_called(names, tensor, types) for tensor, names in alike]
    members = {"name": types.add("OutputName", one_of([info.name for info in output_tensors(contract.answers)]))}
    output = {"type": "object", "properties": {**members, "parameters": _PARAMETERS}, "required": ["name"]}
    optional = {"id": STRING, "outputs": array(types.add("Output", output))}
    properties = {"inputs": _any_of(tensors), **{name: nullable(schema) for name, schema in optional.items()}}
    request = {"type": "object", "properties": {**properties, "parameters": _PARAMETERS}, "required": ["inputs"]}
    return types.add("InferRequest", request)


def _called(names: Sequence[str], tensor: Schema, types: Types) -> Schema:
    title = f"{words(names[0])}Tensor"
    name: Schema = types.add(f"{title}Name", one_of(names)) if len(names) > 1 else {"const": names[0]}
    required = ["name", "datatype", "shape", "data"]
    return types.add(title, {"type": "object", "properties": {"name": name, **tensor}, "required": required})


def _input(info: TensorInfo, field: Schema) -> Schema:
    """Describe a tensor's members besides its name."""
    rank = len(info.shape)
    data = {"anyOf": [array(field), array(array(field, minItems=1, maxItems=1))]} if rank == 1 else array(field)
    return {
        "datatype": {"const": info.datatype} if info.datatype in (BYTES, BOOL) else ref("NumberType"),
        "shape": array({"type": "integer", "minimum": 1}, minItems=rank, maxItems=max(2, rank)),
        "data": data,
        "parameters": _PARAMETERS,
    }


def rows_request(contract: Contract, types: Types, max_instances: int) -> Schema:
    """Describe the row format of TensorFlow Serving's predict request. With one field, bare values are accepted too."""
    lists = list_fields(contract)
    fields = {name: field if name in lists else _alone_or_not(field) for name, field in types.fields.items()}
    row = types.add("Row", {**contract.record.schema, "properties": fields})
    items = {"anyOf": [row, *fields.values()]} if len(fields) == 1 else row
    instances = array(items, minItems=1, maxItems=max_instances)
    members = {"signature_name": ref("SignatureName"), "instances": instances}
    return types.add("Rows", closed(members, ["signature_name"]))


def _alone_or_not(schema: Schema) -> Schema:
    return {"anyOf": [schema, array(schema, minItems=1, maxItems=1)]}


def rows_reply(contract: Contract, types: Types) -> Schema:
    """Describe its reply."""
    columns = {info.name: _row(info) for info in output_tensors(contract.answers)}
    row = next(iter(columns.values())) if len(columns) == 1 else types.add("RowAnswer", closed(columns))
    return types.add("RowAnswers", closed({"predictions": array(row, minItems=1)}))


def _any_of(tensors: Sequence[Schema]) -> Schema:
    return array({"anyOf": list(tensors)} if len(tensors) > 1 else tensors[0], minItems=1)


def _row(info: TensorInfo) -> Schema:
    return _scalar(info) if len(info.shape) == 1 else array(_scalar(info))


def _scalar(info: TensorInfo) -> Schema:
    return STRING if info.datatype == BYTES else NUMBER


_PARAMETERS = nullable(ref("Details"))
