"""Small contracts, one for each kind of encoder and of head, and a mixed one: what all of serving must know.

Outputs come from the stand-in of `contracts.scores`, generalised to inputs of texts and to named outputs of any width.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from serving.contract import Answers, Contract, Input, ParityExample, Record
from serving.contract.arrays import Array, Features
from serving.contract.encoders import Category, Date, Encoder, Number, NumberArray, Picture, Raw, Tags, Text
from serving.contract.faults import Faults
from serving.contract.heads import Head, Interval, Labels, TagSet, Value, Values, Vector
from serving.contract.measuring import fit_reference
from tests.serving.contracts import EVALUATION, TRAINED_AT, png, scores

TEXTS = ["A very good film", "bad, very bad", "schöner Film, 很好的电影"]
PICTURES = [base64.b64encode(png(shade, (12, 10))).decode() for shade in (0, 90, 200)]
_REPEATED = 40


@dataclass(frozen=True)
class Kind:
    """A contract with *instances* that fit it, and by field a *faulty* value with the place of what is wrong in it."""

    contract: Contract
    instances: Sequence[dict[str, Any]]
    faulty: Mapping[str, tuple[Any, tuple[int, ...]]]

    @property
    def name(self) -> str:
        return self.contract.model

    @property
    def answers(self) -> list[dict[str, Any]]:
        """What is expected for *instances*."""
        return expected(self.contract, self.instances)


def outputs(contract: Contract, features: Features, weights: int = 0) -> dict[str, Array]:
    """The stand-in for a model: every output depends on all inputs."""
    flat = np.concatenate([_numbers(features[name]) for name in sorted(features)], axis=1)
    return {
        name: scores({"all": flat}, spec.shape[1] or 0, weights + 7 * place)
        for place, (name, spec) in enumerate(contract.answers.specs.items())
    }


def model_of(contract: Contract) -> Callable[[Features], dict[str, Array]]:
    """What a model server computes for *contract*."""
    return lambda features: outputs(contract, features)


def expected(contract: Contract, instances: Sequence[Any]) -> list[dict[str, Any]]:
    """The answers that any door of serving should give."""
    return contract.answers.make(outputs(contract, contract.features(instances)))


def _numbers(array: Array) -> Array:
    if array.dtype.kind == "O":
        array = np.array([sum(text) + len(text) for text in array.ravel().tolist()]).reshape(array.shape)
    return array.reshape(len(array), -1).astype(np.float64)


def make(model: str, record: Record, answers: Answers, instances: Sequence[Mapping[str, Any]]) -> Contract:
    """A contract whose parity examples are *instances*, with a reference of rows like them."""
    provenance = {"data": "sample", "recipe": "baseline", "trained_at": TRAINED_AT}
    bare = Contract(model, "test", record, answers, (), 1e-3, EVALUATION, provenance)
    features = record.encode(record.read(instances, Faults()))
    computed = outputs(bare, features)
    examples = tuple(
        ParityExample(instance, _row(features, row), _row(computed, row), answer)
        for row, (instance, answer) in enumerate(zip(instances, answers.make(computed), strict=True))
    )
    many = {name: np.concatenate([array] * _REPEATED) for name, array in computed.items()}
    reference = fit_reference(record, answers, [*instances] * _REPEATED, many)
    return replace(bare, examples=examples, reference=reference)


def _row(arrays: Mapping[str, Array], row: int) -> dict[str, Array]:
    return {name: array[row, ...] for name, array in arrays.items()}


def _encoder(name: str, encoder: Encoder, values: Sequence[Any], faulty: Any, *place: int) -> Kind:
    """A model of one field, called `x`, and where it may be absent an instance without it."""
    instances = [{"x": value} for value in values] + ([{}] if encoder.optional else [])
    record = Record.single("x", encoder, "given")
    contract = make(f"of_{name}", record, Answers.single(Labels(("no", "yes"), top=2), "risk"), instances)
    return Kind(contract, instances, {"x": (faulty, place)})


def _head(name: str, head: Head) -> Kind:
    record = Record.single("x", Number.fit([1.0, 2.0, 5.0]), "given")
    instances = [{"x": 1.0}, {"x": 2.5}, {"x": -7.25}]
    return Kind(make(f"to_{name}", record, Answers.single(head), instances), instances, {"x": ("many", ())})


def encoder_kinds() -> list[Kind]:
    """Each kind of encoder, alone."""
    many = [1.0, 2.0, 4.0, 8.0]
    return [
        _encoder("number", Number.fit([*many, None], flag=True), [1.5, None, -3], "many"),
        _encoder("clipped", Number.fit(many, scale="quantile", low=0.0, high=5.0), [1.5, 7.0], True),
        _encoder("strings", Category.fit(["a", "b", "a", None], unknown="bucket"), ["a", None, "never seen"], 5),
        _encoder("closed_strings", Category.fit(["a", "NA", "a"]), ["a", "NA"], "never seen"),
        _encoder("integers", Category.fit([3, 2, 3, None], unknown="bucket", output="id"), [3, None, 99], 2.5),
        _encoder("booleans", Category.fit([True, False, None]), [True, False, None], "perhaps"),
        _encoder("truth", Category.fit([True, False]), [True, False], 1),
        _encoder(
            "tags", Tags.fit([["a", "b"], ["b"], None], unknown="bucket"), [["a"], [], None, ["z", "b"]], ["a", 1], 1
        ),
        _encoder("number_tags", Tags.fit([[1, 2], [2]], output="count"), [[1, 1], [2]], [2, 7], 1),
        _encoder("date", Date.fit(["2026-11-01", "2026-11-25T10:00:00Z", None]), ["2026-11-03", None], "yesterday"),
        _encoder("closed_date", Date.fit(["2026-11-01", "2026-11-25"]), ["2026-11-03"], 20261103),
        *(
            _encoder(f"text_{tokenizer}", Text.fit(TEXTS, tokenizer=tokenizer, length=6), TEXTS, 5)
            for tokenizer in ("keras", "unicode", "characters", "hashed_ngrams")
        ),
        _encoder("optional_text", Text.fit([*TEXTS, None], length=6), [*TEXTS, "", "NA", None], 5),
        _encoder(
            "image", Picture.fit(PICTURES, height=6, width=8, colour="RGB", framing="crop"), PICTURES, "no picture"
        ),
        _encoder(
            "array",
            NumberArray.fit([[[1, 2], [3, 5]], [[5, None], [7, 9]]]),
            [[[1, 2], [3, 4]], [[1, None], [3, 4]], None],
            [[1, 2], [3, "x"]],
            1,
            1,
        ),
        _encoder(
            "padded", NumberArray.fit([[1.0, 2.0], [3.0]], length=3), [[1.0], [4.0, 5.0, 6.0, 7.0], []], [1.0, "x"], 1
        ),
        _encoder("raw_numbers", Raw("float32", (3,)), [[1.0, 2.0, 3.5], [0.0, 0.0, 1.0]], [1.0, 2.0, "x"], 2),
        _encoder("raw_number", Raw("int64"), [7, 2**53 + 1], 7.5),
        _encoder("raw_truth", Raw("bool", (2,)), [[True, False], [True, True]], [True, 1], 1),
        _encoder("raw_text", Raw("string"), ["a good film", "", "很好"], 5),
        _encoder("raw_texts", Raw("string", (2,)), [["a", "b"], ["", "很好"]], ["a", 5], 1),
    ]


def head_kinds() -> list[Kind]:
    """Each kind of head, alone."""
    return [
        _head("two_labels", Labels(("no", "yes"), top=2)),
        _head("labels", Labels(("red", "green", "blue"), top=2)),
        _head("tags", TagSet(("cheap", "new", "sold"), (0.2, 0.3, 0.5))),
        _head("value", Value("EUR", low=0.25, high=0.75)),
        _head("values", Values(("height", "width"), ("m", ""))),
        _head("interval", Interval("EUR", 0.9)),
        _head("vector", Vector(4)),
    ]


def mixed_kind() -> Kind:
    """Several fields packed into one input, several inputs, several heads; names that also mean something else."""
    fields: dict[str, Encoder] = {
        "label": Category.fit(["x", "y", None], unknown="bucket"),
        "score": Number.fit([1.0, 4.0, None], flag=True),
        "amount": Number.fit([1.0, 4.0, 7.0]),
        "words": Number.fit([1.0, 4.0, 7.0]),
        "vocabulary": Tags.fit([["a", "b"], ["b"]]),
        "text": Text.fit([*TEXTS, None], length=6),
        "truth": Raw("bool"),
        "note": Raw("string", (2,)),
        "day": Date.fit(["2026-11-01", "2026-11-25"]),
        "picture": Picture.fit(PICTURES, height=6, width=8),
        "curve": NumberArray.fit([[1.0, 2.0], [3.0]], length=3),
    }
    packed = Input("packed", ("label", "score", "amount", "words", "vocabulary", "day"))
    others = [Input(f"the_{name}", (name,)) for name in fields if name not in packed.fields]
    answers = Answers(
        {"label": Labels(("no", "yes"), top=2), "topics": TagSet(("cheap", "new"), (0.2, 0.5)), "price": Value("EUR")},
        {"label": "first", "topics": "second", "price": "third"},
    )
    one = {
        **{"label": "x", "score": 2.0, "amount": 4.0, "words": 3.0, "vocabulary": ["a"], "text": TEXTS[0]},
        **{"truth": True, "note": ["a", "很好"], "day": "2026-11-03", "picture": PICTURES[0], "curve": [1.0, 2.0]},
    }
    optional = {"label": None, "score": None, "text": None}
    instances = [
        one,
        {**one, "picture": PICTURES[2], "truth": False, "curve": [], "vocabulary": []},
        {**one, **optional},
    ]
    instances.append({name: value for name, value in one.items() if name not in optional})
    faulty: dict[str, tuple[Any, tuple[int, ...]]] = {
        **{"label": (5, ()), "score": ("many", ()), "amount": (None, ()), "words": (True, ())},
        **{"vocabulary": (["z"], (0,)), "text": (7, ()), "truth": (1, ()), "note": (["a", None], (1,))},
        **{"day": ("soon", ()), "picture": ("no picture", ()), "curve": ([None], (0,))},
    }
    return Kind(make("mixed", Record(fields, (*others, packed)), answers, instances), instances, faulty)


def shadowed_kind() -> Kind:
    """Fields that are called like parts of the answer, and the columns that scoring adds."""
    record = Record.packed(
        {
            "label": Category.fit(["x", "y", None], unknown="bucket"),
            **{name: Number.fit([1.0, 4.0]) for name in ("score", "value", "row_id", "model", "version", "contract")},
        },
        "packed",
    )
    numbers = {"score": 0.5, "value": 1.0, "row_id": 2.0, "model": 3.0, "version": 4.0, "contract": 5.0}
    instances = [{"label": label, **numbers} for label in ("x", "y", "never seen")]
    contract = make("shadowed", record, Answers.single(Labels(("no", "yes"), top=2)), instances)
    return Kind(contract, instances, {"label": (5, ()), "row_id": ("a", ())})


def every_kind() -> list[Kind]:
    """All of them."""
    return [*encoder_kinds(), *head_kinds(), shadowed_kind(), mixed_kind()]
