"""Raw instances and answers as named tensors, the form that the protocols of other model servers have.

There is an input tensor for each field of an instance and an output tensor for each part of an answer; the first axis
of each is the batch. Datatypes are those of the Open Inference Protocol: BYTES for text and files, FP64 for numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.contract import Contract, Labels
from serving.errors import MalformedRequest

BYTES, FP64 = "BYTES", "FP64"


@dataclass(frozen=True)
class TensorInfo:
    """What is known of a tensor before any request; -1 in *shape* stands for the batch."""

    name: str
    datatype: str
    shape: tuple[int, ...] = (-1,)


def input_tensors(contract: Contract) -> tuple[TensorInfo, ...]:
    """List an instance's fields as tensors."""
    properties = contract.preprocessor.instance_schema["properties"]
    return tuple(TensorInfo(name, BYTES if field["type"] == "string" else FP64) for name, field in properties.items())


def required(contract: Contract) -> tuple[str, ...]:
    """List the fields that an instance can't do without."""
    return tuple(contract.preprocessor.instance_schema["required"])


def file_fields(contract: Contract) -> frozenset[str]:
    """Give the fields that are files: base64 in JSON, and the bytes themselves where a protocol has bytes."""
    properties = contract.preprocessor.instance_schema["properties"]
    return frozenset(name for name, field in properties.items() if "contentEncoding" in field)


def output_tensors(contract: Contract) -> tuple[TensorInfo, ...]:
    """List an answer's parts as tensors: `value`, or the best `label` with its `score`, and all listed, best first."""
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
    """Give the output tensors' values by name, one for each of *answers*."""
    if "value" in answers[0]:
        return {"value": [answer["value"] for answer in answers]}
    return {
        "label": [answer["label"] for answer in answers],
        "score": [answer["score"] for answer in answers],
        "labels": [list(answer["scores"]) for answer in answers],
        "scores": [list(answer["scores"].values()) for answer in answers],
    }


def rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Turn input tensors' values by name into instances; raises MalformedRequest unless all are of one length."""
    lengths = {len(values): name for name, values in columns.items()}
    if len(lengths) > 1:
        told = " and ".join(f"{length} of {name[:60]!r}" for length, name in list(lengths.items())[:2])
        raise MalformedRequest(f"the inputs must be of one length, got {told}")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def as_text(value: bytes) -> str | bytes:
    """Read UTF-8; what is not stays bytes, which the contract refuses as it does any other type."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
