"""What a contract says of captures, and what holds where it says nothing."""

import json
from dataclasses import replace

import pytest

from serving.contract import Contract
from serving.contract.encoders import ENCODERS, Raw
from serving.contract.handling import usual
from serving.errors import ContractError
from tests.serving.contracts import image_contract, tabular_contract, text_contract
from tests.serving.mixed_contract import mixed_contract


def test_it_is_read_back_and_is_not_there_unless_the_task_says_something():
    text = replace(text_contract(), capture={"text": "hash"}).to_json()

    assert Contract.from_json(text).capture == {"text": "hash"}
    assert json.loads(text)["capture"] == {"text": "hash"}
    assert "capture" not in json.loads(text_contract().to_json())


def test_without_a_word_of_the_task_texts_and_pictures_are_dropped_and_the_rest_is_kept():
    assert text_contract().handlings == {"text": "drop"}
    assert image_contract().handlings == {"image": "drop"}
    assert tabular_contract().handlings == {"rooms": "keep", "age": "keep"}
    assert set(mixed_contract().handlings.values()) == {"keep", "drop"}
    assert (usual(Raw("string")), usual(Raw("string", (2,))), usual(Raw("float32", (2,)))) == ("drop", "drop", "keep")
    assert {it.kind for it in ENCODERS.values()} == {  # of another kind, decide here what is usual
        *("number", "category", "tags", "date", "array", "raw"),
        *("text", "image"),
    }


def test_what_the_task_says_goes_before_what_is_usual():
    contract = replace(tabular_contract(), capture={"age": "drop"})

    assert contract.handlings == {"rooms": "keep", "age": "drop"}


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        ({"other": "keep"}, "/capture: expected names of fields, got 'other'"),
        ({"text": "no"}, "/capture/text: expected one of keep, hash, drop, got 'no'"),
        ({"text": ["keep"]}, "/capture/text: expected one of keep, hash, drop"),
        ([], "/capture: expected an object"),
    ],
)
def test_another_is_refused(member: object, problem: str) -> None:
    document = json.loads(text_contract().to_json()) | {"capture": member}

    with pytest.raises(ContractError, match=problem):
        Contract.from_json(json.dumps(document))
