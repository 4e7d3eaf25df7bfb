"""Raw instances and answers as named tensors, the form that other model servers' protocols use.

Each field of an instance is an input tensor, each part of an answer an output tensor. The first axis is the batch.
Datatypes are those of the Open Inference Protocol: BYTES for text and files, FP64 for numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.contract import Contract, Labels
from serving.errors import MalformedRequest

BYTES, FP64 = "BYTES", "FP64"


@dataclass(frozen=True)
class TensorInfo:
    """A tensor's description before any request. The batch is -1 in *shape*."""

    name: str
    datatype: str
    shape: tuple[int, ...] = (-1,)


def input_tensors(contract: Contract) -> tuple[TensorInfo, ...]:
    """List an instance's fields as tensors."""
    properties = contract.preprocessor.instance_schema["properties"]
    return tuple(TensorInfo(name, BYTES if field["type"] == "string" else FP64) for name, field in properties.items())


def required(contract: Contract) -> tuple[str, ...]:
    """List the fields that an instance must have."""
    return tuple(contract.preprocessor.instance_schema["required"])


def file_fields(contract: Contract) -> frozenset[str]:
    """Return the fields that are files: base64 in JSON, or the bytes themselves if the protocol has bytes."""
    properties = contract.preprocessor.instance_schema["properties"]
    return frozenset(name for name, field in properties.items() if "contentEncoding" in field)


def output_tensors(contract: Contract) -> tuple[TensorInfo, ...]:
    """List an answer's parts as tensors: `value`, or the best `label` and `score`, and the top of both, best first."""
    if not isinstance(contract.output, Labels):
        return (TensorInfo("value", FP64),)
    listed = (-1, min(contract.output.top, len(contract.output.names)))
    return (
        TensorInfo("label", BYTES),
        TensorInfo("score", FP64),
        TensorInfo("labels", BYTES, listed),
        TensorInfo("scores", FP64, listed),
    )


def output_columns(answers: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the output tensors' values by name, one for each of *answers*."""
    if "value" in answers[0]:
        return {"value": [answer["value"] for answer in answers]}
    return {
        "label": [answer["label"] for answer in answers],
        "score": [answer["score"] for answer in answers],
        "labels": [list(answer["scores"]) for answer in answers],
        "scores": [list(answer["scores"].values()) for answer in answers],
    }


def rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Turn input tensors' values by name into instances. Raise MalformedRequest unless all have the same length."""
    lengths = {len(values): name for name, values in columns.items()}
    if len(lengths) > 1:
        lengths_got = " and ".join(f"{length} of {name[:60]!r}" for length, name in list(lengths.items())[:2])
        raise MalformedRequest(f"expected inputs of the same length, got {lengths_got}")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def as_text(value: bytes) -> str | bytes:
    """Decode UTF-8. Other bytes stay bytes, which the contract refuses like any wrong type."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
