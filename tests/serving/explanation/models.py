"""Contracts and functions that stand in for models, of which the causes of an answer are known."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from serving.contract import Answers, Contract, ParityExample, Record
from serving.contract.arrays import Array, Features
from serving.contract.encoders import Number, Picture, Text
from serving.contract.heads import Head, Labels, Value
from serving.contract.measuring import fit_reference
from serving.explanation import Explanation, Question, explain
from serving.explanation.explaining import ScoreRows

Function = Callable[[Array], Array]
"""Rows of features, `float64[n, features]` -> an output, `float32[n, width]`."""
WORDS = "the a film was and good awful plot story very not i"
VALUE = Value("USD")
LABELS = Labels(("bad", "good"), top=2)


def contract_of(record: Record, head: Head, training: Sequence[Mapping[str, Any]]) -> Contract:
    """A contract whose reference is *training*."""
    answers = Answers.single(head)
    outputs = {"scores": np.zeros((len(training), head.output.shape[1] or 0), np.float32)}
    reference = fit_reference(record, answers, training, outputs)
    example = ParityExample(training[0], {}, {})
    return Contract("small", "test", record, answers, (example,), 1e-3, {}, {}, reference)


def table(columns: int, head: Head = VALUE, rows: int = 400) -> Contract:
    """Columns x0, x1, ... of normal numbers, as they are."""
    numbers = np.random.default_rng(7).normal(size=(rows, columns)).round(3)
    training = [{f"x{place}": number for place, number in enumerate(row)} for row in numbers.tolist()]
    fields = {name: Number.fit([row[name] for row in training], scale="none") for name in training[0]}
    return contract_of(Record.packed(fields, "features"), head, training)


def texts(head: Head = LABELS, length: int = 200) -> Contract:
    """Texts."""
    record = Record.single("text", Text.fit([WORDS], tokenizer="keras", length=length), "ids")
    return contract_of(record, head, [{"text": WORDS}])


def pictures(encoder: Picture) -> Contract:
    return contract_of(Record.single("image", encoder, "pixels"), LABELS, [{"image": png(np.zeros((4, 4, 3)))}])


def id_of(word: str) -> int:
    """The id that the encoder of `texts` has for a word, behind that of the beginning."""
    ids: list[int] = texts().features([{"text": word}])["ids"][0].tolist()
    return ids[1]


def runs(contract: Contract, function: Function) -> ScoreRows:
    """What answers rows by *function* of all features."""

    def score(instances: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
        return {"scores": function(_flat(contract.features(instances))).astype(np.float32)}

    return score


def explained(contract: Contract, function: Function, instance: Mapping[str, Any], **question: Any) -> Explanation:
    return explain(contract, instance, runs(contract, function), Question(**question))


def png(pixels: Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, "PNG")
    return file.getvalue()


def _flat(features: Features) -> Array:
    return np.concatenate([array.reshape(len(array), -1) for array in features.values()], axis=1).astype(np.float64)
