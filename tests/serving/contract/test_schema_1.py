"""Contracts that a release before schema 2 published, with what it computed: they are answered bit for bit as then."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.contract import Contract
from serving.contract.arrays import array_from_json
from serving.errors import ContractError

FOLDER = Path(__file__).parent / "schema_1"
KINDS = ("text", "tabular", "image")


def published(kind: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{kind}.json").read_text("utf-8"))
    return document


@pytest.mark.parametrize("kind", KINDS)
def test_features_answers_and_measures_are_what_they_were(kind: str) -> None:
    then = published(kind)
    contract = Contract.from_json(json.dumps(then["contract"]))

    rows = contract.decode(then["instances"])
    features, measures = contract.record.measured(rows)

    assert {name: array.tobytes() for name, array in features.items()} == {
        name: array_from_json(state).tobytes() for name, state in then["features"].items()
    }
    assert contract.answers.make({"scores": array_from_json(then["scores"])}) == then["answers"]
    np.testing.assert_array_equal(measures.values, array_from_json(then["measured"]))
    for name, total in then["totals"].items():
        np.testing.assert_array_equal(measures.totals[name], array_from_json(total))


@pytest.mark.parametrize("kind", KINDS)
def test_written_as_schema_2_it_is_the_same(kind: str) -> None:
    then = published(kind)
    contract = Contract.from_json(json.dumps(then["contract"]))

    again = Contract.from_json(contract.to_json())

    assert json.loads(again.to_json())["schema"] == 2
    assert again.record == contract.record
    assert again.answers == contract.answers
    for name, array in again.features(then["instances"]).items():
        assert array.tobytes() == array_from_json(then["features"][name]).tobytes()


@pytest.mark.parametrize(
    ("part", "kind", "message"),
    [
        ("preprocessor", "hologram", "^/preprocessor/kind: expected one of tabular, text, image, got 'hologram'"),
        ("output", "oracle", "^/output/kind: expected one of labels, value, got 'oracle'"),
    ],
)
def test_a_kind_that_schema_1_did_not_have_is_refused(part: str, kind: str, message: str) -> None:
    document = published("text")["contract"]
    document[part]["kind"] = kind
    with pytest.raises(ContractError, match=message):
        Contract.from_json(json.dumps(document))


def test_texts_of_before_the_splitting_was_said_are_split_as_then() -> None:
    document = published("text")["contract"]
    del document["preprocessor"]["splitting"]
    contract = Contract.from_json(json.dumps(document))
    assert contract.record.fields["text"].to_state()["tokenizer"]["splitting"] == "ascii"
