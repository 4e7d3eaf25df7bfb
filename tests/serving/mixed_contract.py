"""A contract with a field of nearly every kind and two heads, and the arithmetic that stands in for its model."""

import numpy as np

from serving.contract import Answers, Contract, ParityExample, Record
from serving.contract.arrays import Array, Features
from serving.contract.encoders import Category, Date, Number, NumberArray, Tags, Text
from serving.contract.faults import Faults
from serving.contract.heads import Interval, Labels
from serving.contract.record import Input
from tests.serving.contracts import EVALUATION, scores

EXAMPLES = (
    {
        "mass": 4200.5,
        "ring": 7,
        "island": "Biscoe",
        "habits": ["swims", "dives"],
        "seen": "2026-11-28T12:30:00Z",
        "wings": [[1.0, 2.0], [3.0, 4.0]],
        "tame": True,
        "note": "a calm bird",
    },
    {
        "mass": None,
        "ring": 8,
        "island": "Dream",
        "habits": [],
        "seen": "2026-01-02",
        "wings": [[0.5, 2.5], [3.5, 5.0]],
        "tame": False,
        "note": None,
    },
)
SPECIES = ("Adelie", "Gentoo", "Chinstrap")


def mixed_contract(model: str = "birds") -> Contract:
    """Both heads read the one output of the stand-in."""
    record = _record()
    features = record.encode(record.read(EXAMPLES, Faults()))
    computed = mixed_scores(features)
    examples = [
        ParityExample(instance, {name: array[row] for name, array in features.items()}, {"scores": computed[row]})
        for row, instance in enumerate(EXAMPLES)
    ]
    heads = {"species": Labels(SPECIES, top=3), "weight": Interval("g", coverage=0.9)}
    answers = Answers(heads, dict.fromkeys(heads, "scores"))
    provenance = {"data": "sample", "recipe": "baseline"}
    return Contract(model, "test", record, answers, tuple(examples), 1e-3, EVALUATION, provenance)


def mixed_scores(features: Features) -> Array:
    """Make `float32[batch, 3]` of all features."""
    flat = [array.reshape(len(array), -1).astype(np.float64) for _, array in sorted(features.items())]
    return scores({"all": np.concatenate(flat, axis=1)}, 3, 0)


def _record() -> Record:
    fields = {
        "mass": Number.fit([4000.0, 5000.0, None]),
        "ring": Category.fit([7, 8, 8, 9, 9], least_count=2),
        "island": Category.fit(["Biscoe", "Dream", "Torgersen"]),
        "habits": Tags.fit([["dives", "swims"], ["nests"]]),
        "seen": Date.fit(["2026-11-28T12:30:00Z", "2026-01-02"], zone="UTC"),
        "wings": NumberArray.fit([[[1.0, 2.0], [3.0, 4.0]], [[2.0, 2.0], [1.0, 0.0]]]),
        "tame": Category.fit([True, False]),
        "note": Text.fit(["a calm bird", "a loud bird", None], length=8),
    }
    packed = ("mass", "ring", "island", "habits", "seen", "tame")
    return Record(fields, (Input("row", packed), Input("wings", ("wings",)), Input("note", ("note",))))
