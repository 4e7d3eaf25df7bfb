"""The schemas that do not depend on the models, by name: a generated client has one type for each."""

from typing import Any

from serving.explanation import METHODS
from serving.gateway.openapi.components import Schema, one_of, ref
from serving.gateway.openapi.schemas import ANY_OBJECT, NUMBER, STRING, array, closed, nullable
from serving.gateway.protocols.inference_v2_tensors import NUMBERS

_TEXT: Schema = {"type": ["string", "null"]}
_BOOLEAN: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_LIMIT: Schema = {"type": "integer", "minimum": 1}


def _open(properties: dict[str, Schema], *optional: str) -> Schema:
    """Describe an object that may have other properties in a later release."""
    return {name: value for name, value in closed(properties, optional).items() if name != "additionalProperties"}


def _by_name(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


_SUMMARY: dict[str, Schema] = {
    "name": STRING,
    "ready": _BOOLEAN,
    "served": _BOOLEAN,
    "versions": array({"type": "integer"}),
    "problem": STRING,
    "training": nullable({"type": "number", "minimum": 0, "maximum": 1, "description": "Share that is done."}),
    "refused": ref("Refused"),
    "failed": ref("Failed"),
    "engine": STRING,
    "data": _TEXT,
    "recipe": _TEXT,
    "metrics": ref("Details"),
}
_OPTIONAL = ("served", "problem", "training", "refused", "failed", "engine", "data", "recipe", "metrics")
_DETAILS: dict[str, Schema] = {
    "version": {"type": "integer"},
    "problem_type": STRING,
    "instance": ref("Details"),
    "answer": ref("Details"),
    "provenance": ref("Details"),
    "contract": STRING,
}

_PROBLEM = closed(
    {
        "type": {**STRING, "description": "urn:plumbline:problem:<code>"},
        "title": STRING,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {**STRING, "description": "What was expected, and what was sent."},
        "code": {**STRING, "description": "Stable; for programs."},
        "request_id": {**STRING, "description": "The header X-Request-ID: the caller's, or a generated one."},
        "model": STRING,
        "errors": array(ref("Fault")),
        "error_count": {**_COUNT, "description": "The number of all errors; the first are listed."},
    },
    optional=["model", "errors", "error_count"],
) | {"description": "RFC 9457"}
_FAULT = closed(
    {
        "pointer": {**STRING, "description": "The place in the body, as an RFC 6901 pointer."},
        "index": {**_COUNT, "description": "The instance's number."},
        "field": {**STRING, "description": "Empty for the instance itself."},
        "detail": STRING,
    },
    optional=["pointer"],
)
_TENSOR = _open({"name": STRING, "datatype": STRING, "shape": array({"type": "integer"})})
_OUTPUT = closed(
    {
        "name": STRING,
        "datatype": STRING,
        "shape": array({"type": "integer"}),
        "data": array({"anyOf": [STRING, NUMBER]}),
        "parameters": ref("Details"),
    },
    optional=["data", "parameters"],
)
_INFER_REPLY = {"model_name": STRING, "model_version": STRING, "id": STRING, "outputs": array(ref("OutputTensor"))}

_BOX: Schema = {"description": "Left, top, right and bottom in pixels of the upright picture."}
_PART = closed(
    {
        "field": STRING,
        "start": {**_COUNT, "description": "Of words: where they begin, in code points."},
        "end": _COUNT,
        "text": STRING,
        "box": array(_COUNT, minItems=4, maxItems=4) | _BOX,
        "value": {"description": "Of other fields: the instance's value."},
        "reference": {"description": "What stands for it where it is left out."},
        "contribution": {**NUMBER, "description": "What it adds to the score."},
        "error": nullable({**NUMBER, "minimum": 0, "description": "The standard error of that; null if unknown."}),
    },
    optional=["start", "end", "text", "box", "value", "reference"],
)
_EXPLANATION = _open(
    {
        "method": ref("Method"),
        "head": _TEXT,
        "target": STRING,
        "unit": _TEXT,
        "score": NUMBER,
        "base": {**NUMBER, "description": "The score without any part."},
        "sum": {**NUMBER, "description": "Base and contributions together."},
        "gap": {**NUMBER, "description": "What that leaves of the score."},
        "evaluations": _COUNT,
        "complete": {**_BOOLEAN, "description": "Whether there was time for all that was to be computed."},
        "exact": {**_BOOLEAN, "description": "Whether nothing is left to chance."},
        "stability": nullable({**NUMBER, "minimum": -1, "maximum": 1, "description": "Of the parts' ranks."}),
        "parts": array(ref("ExplainedPart")),
        "pictures": array(ref("ExplainedPicture")),
    }
)

SHARED: dict[str, Any] = {
    "Method": one_of(METHODS),
    "Explanation": _EXPLANATION,
    "ExplainedPart": _PART,
    "ExplainedPicture": closed({"field": STRING, "width": _LIMIT, "height": _LIMIT}),
    "Problem": _PROBLEM,
    "Fault": _FAULT,
    "Error": closed({"error": STRING}),
    "Details": ANY_OBJECT,
    "Models": closed({"models": array(ref("ModelSummary")), "limits": ref("Limits")}),
    "Limits": closed({"instances": _LIMIT, "body_bytes": _LIMIT}),
    "Refused": {**_by_name(STRING), "description": "Versions that are not admitted, and why."},
    "Failed": {**_by_name(STRING), "description": "Newer versions that could not be loaded, and why."},
    "ModelSummary": _open(_SUMMARY, *_OPTIONAL),
    "ModelDetails": _open(_SUMMARY | _DETAILS, *_OPTIONAL, *_DETAILS),
    "Accepted": _open({"model": STRING, "accepted": _COUNT}),
    "MistakesOrder": one_of(["newest", "largest error"]),
    "Mistakes": _open(
        {
            "model": STRING,
            "known": {**_COUNT, "description": "Answers that were read and whose truth is known."},
            "since": {**_TEXT, "description": "How far back captures were read."},
            "complete": {**_BOOLEAN, "description": "Whether there are no others."},
            "damaged": {**_COUNT, "description": "Parts and lines that could not be read."},
            "measures": array(ref("Details")),
            "order": ref("MistakesOrder"),
            "mistakes": array(ref("Mistake")),
        }
    ),
    "Mistake": _open(
        {
            "time": STRING,
            "request_id": STRING,
            "index": _COUNT,
            "version": _COUNT,
            "instance": {**ref("Details"), "description": "The fields that may be kept; long values are cut."},
            "answer": {},
            "truth": {},
        }
    ),
    "Health": closed({"status": {"const": "ok"}}),
    "Live": closed({"live": {"const": True}}),
    "Ready": _open({"name": STRING, "ready": _BOOLEAN}, "name"),
    "Readiness": _open({"ready": _BOOLEAN, "problem": STRING, "models": ref("ReadinessByModel")}, "problem"),
    "ReadinessByModel": _by_name(ref("ModelReadiness")),
    "ModelReadiness": _open(
        {
            **{"ready": _BOOLEAN, "versions": array({"type": "integer"}), "problem": _TEXT},
            **{"refused": ref("Refused"), "failed": ref("Failed")},
        },
        "failed",
    ),
    "Server": _open({"name": STRING, "version": STRING, "extensions": array(STRING)}),
    "Metadata": _open(
        {
            **{"name": STRING, "versions": array(STRING), "platform": STRING},
            **{"inputs": array(ref("TensorInfo")), "outputs": array(ref("TensorInfo"))},
        }
    ),
    "TensorInfo": _TENSOR,
    "Statistics": _open({"model_stats": array(ref("Details"))}),
    "IndexQuestion": {"type": "object", "properties": {"ready": {"type": ["boolean", "null"]}}},
    "IndexEntry": _open({"name": STRING, "version": STRING, "state": STRING, "reason": STRING}, "version"),
    "VersionStatuses": _open({"model_version_status": array(ref("VersionStatus"))}),
    "VersionStatus": _open({"version": STRING, "state": STRING, "status": ref("StatusOfVersion")}),
    "StatusOfVersion": _open({"error_code": STRING, "error_message": STRING}),
    "Scores": _by_name({**NUMBER, "minimum": 0, "maximum": 1}),
    "NumberType": one_of(list(NUMBERS)),
    "SignatureName": {
        "type": "string",
        "enum": ["serving_default", ""],
        "x-enum-varnames": ["SERVING_DEFAULT", "DEFAULT"],
    },
    "InferReply": closed(_INFER_REPLY, optional=["id"]),
    "OutputTensor": _OUTPUT,
}
