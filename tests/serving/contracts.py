"""Small contracts, and the arithmetic that stands in for a model: enough to tell any two models or versions apart."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from serving.contract import Answers, Contract, ParityExample, Record
from serving.contract.arrays import Array, Features
from serving.contract.encoders import Number, Picture, Text
from serving.contract.encoders.image import Colour
from serving.contract.encoders.number import Missing
from serving.contract.encoders.scaling import Scaling
from serving.contract.encoders.tokenizers.keras_words import KerasWords
from serving.contract.faults import Faults
from serving.contract.heads import Head, Labels, Value
from serving.contract.measuring import fit_reference

EVALUATION = {"metric": "accuracy", "test": {"accuracy": 0.91}, "baseline": {"name": "majority", "accuracy": 0.5}}
TRAINED_AT = "2026-11-20T10:00:00+00:00"


def scores(features: Mapping[str, Array], width: int, weights: int) -> Array:
    """The stand-in for a model: *weights* is all that differs between two trainings."""
    (array,) = features.values()
    flat = array.reshape(len(array), -1).astype(np.float64)
    sums = flat @ np.arange(1, flat.shape[1] + 1)
    raw = (sums[:, None] * 0.37 + np.arange(width) * 0.61 + weights * 0.13) % 1 + 0.01
    return (raw / raw.sum(axis=1, keepdims=True) if width > 1 else raw / 1.02).astype(np.float32)


def make_contract(model: str, record: Record, head: Head, instances: Sequence[Any], weights: int = 0) -> Contract:
    features = record.encode(record.read(instances, Faults()))
    computed = scores(features, head.output.shape[1] or 0, weights)
    examples = [
        ParityExample(instance, {name: array[row] for name, array in features.items()}, {"scores": computed[row]})
        for row, instance in enumerate(instances)
    ]
    provenance = {"data": "sample", "recipe": "baseline"}
    return Contract(model, "test", record, Answers.single(head), tuple(examples), 1e-3, EVALUATION, provenance)


def text_contract(model: str = "sentiment", words: str = "a good film bad very", weights: int = 0) -> Contract:
    record = Record.single("text", Text(KerasWords(tuple(words.split()), num_words=100), length=16), "ids")
    instances = [{"text": "A very good film"}, {"text": "bad, very bad"}]
    return make_contract(model, record, Labels(("negative", "positive"), top=2), instances, weights)


def tabular_contract(model: str = "house_price", weights: int = 0, missing: Missing = "error") -> Contract:
    fields = {"rooms": standard(6.0, 1.0, missing), "age": standard(50.0, 20.0, missing)}
    record = Record.packed(fields, "features")
    instances = [{"rooms": 5.0, "age": 30.0}, {"rooms": 7.5, "age": 80.0}]
    return make_contract(model, record, Value("1000 USD"), instances, weights)


def standard(mean: float, deviation: float, missing: Missing = "error") -> Number:
    return Number(Scaling("standard", mean, deviation), missing, mean)


def image_contract(model: str = "digits", weights: int = 0, side: int = 8, colour: Colour = "L") -> Contract:
    instances = [{"image": base64.b64encode(png(shade)).decode()} for shade in (0, 200)]
    labels = Labels(tuple("0123456789"), top=3)
    record = Record.single("image", Picture(side, side, colour), "image")
    return make_contract(model, record, labels, instances, weights)


def png(shade: int, size: tuple[int, int] = (12, 10)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(file, "PNG")
    return file.getvalue()


def planted(contract: Contract, model: Callable[[Features], Array]) -> Contract:
    """The contract with the same examples, answered by *model* instead."""
    examples = [
        replace(each, outputs={"scores": model(contract.features([each.instance]))[0]}) for each in contract.examples
    ]
    return replace(contract, examples=tuple(examples))


def answers(contract: Contract, instances: Sequence[Any], weights: int = 0) -> list[dict[str, Any]]:
    """The answers of a version, for tests that tell versions apart. Others say literally what they expect."""
    features: Features = contract.features(instances)
    width = contract.answers.specs["scores"].shape[1] or 0
    return contract.answers.make({"scores": scores(features, width, weights)})


def with_reference(contract: Contract, rows: int = 400) -> Contract:
    """The contract with a reference of *rows* rows like its examples."""
    instances = [example.instance for example in contract.examples] * (rows // len(contract.examples))
    outputs = [example.outputs["scores"] for example in contract.examples] * (rows // len(contract.examples))
    reference = fit_reference(contract.record, contract.answers, instances, {"scores": np.stack(outputs)})
    return replace(contract, reference=reference, provenance={**contract.provenance, "trained_at": TRAINED_AT})
