import dataclasses
import json

import numpy as np
import pytest

from serving.contract import Answers, Contract, ParityExample, Record, check_parity
from serving.contract.encoders import Text
from serving.contract.encoders.tokenizers.keras_words import KerasWords
from serving.contract.faults import Faults
from serving.contract.heads import Labels, Value
from serving.errors import ContractError, InvalidInstance, ParityError
from tests.serving.contracts import standard

NUMBERS = Record.packed({"rooms": standard(2.0, 1.0), "age": standard(20.0, 10.0)}, "features")
WORDS = Record.single("text", Text(KerasWords(("good", "bad"), num_words=6), length=3), "ids")


def contract_of(record, head, instance, score):
    features = record.encode(record.read([instance], Faults()))
    outputs = {"scores": np.array([score], np.float32)}
    example = ParityExample(instance, {name: array[0] for name, array in features.items()}, outputs)
    answers, evaluation = Answers.single(head), {"metric": "accuracy"}
    return Contract("m", "binary", record, answers, (example,), 1e-3, evaluation, {"data": "sample"})


HOUSES = contract_of(NUMBERS, Value("$1000"), {"rooms": 3, "age": 10}, 24.5)
REVIEWS = contract_of(WORDS, Labels(("bad", "good"), top=2), {"text": "good"}, 0.4995)


@pytest.mark.parametrize("contract", [HOUSES, REVIEWS])
def test_json_round_trip_is_exact(contract):
    again = Contract.from_json(contract.to_json())

    assert again.to_json() == contract.to_json()
    assert again.record == contract.record
    assert again.answers == contract.answers
    for name, array in contract.examples[0].features.items():
        assert np.array_equal(again.examples[0].features[name], array)
        assert again.examples[0].features[name].dtype == array.dtype


def test_json_tells_people_and_tools_signature_and_instance():
    document = json.loads(HOUSES.to_json())

    assert document["signature"] == {
        "inputs": {"features": {"dtype": "float32", "shape": [None, 2]}},
        "outputs": {"scores": {"dtype": "float32", "shape": [None, 1]}},
    }
    assert document["instance"]["example"] == {"rooms": 3, "age": 10}
    assert document["instance"]["schema"]["required"] == ["rooms", "age"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": 3}', HOUSES.to_json().replace('"number"', '"audio"'), "\xff"]
)
def test_what_is_not_a_contract_is_refused(text):
    with pytest.raises(ContractError, match="contract"):
        Contract.from_json(text)


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        (["x"], "m: instance 0: expected an object with named fields, got 'x'"),
        ([{"rooms": 1, "age": 2}, {"rooms": 1}], "m: instance 1, field 'age': expected a number, got nothing"),
        ([{"rooms": 1, "age": 2, "size": 3}], "m: instance 0, field 'size': expected only rooms, age, got this field"),
    ],
)
def test_a_bad_instance_is_named_by_model_row_and_field(instances, message):
    with pytest.raises(InvalidInstance) as raised:
        HOUSES.features(instances)

    assert str(raised.value) == message


def test_parity_holds_within_the_tolerance():
    check_parity(HOUSES, lambda features: {"scores": np.array([[24.5005]], np.float32)})


@pytest.mark.parametrize(
    ("contract", "scores", "message"),
    [
        (HOUSES, [[24.502]], "m: parity example 0: scores are off by 0.00200"),
        (HOUSES, [[np.nan]], "expected finite numbers of the model, got some that are not for row 0"),
        (HOUSES, [24.5], r"expected output 'scores' as float32\[1, 1\], got float32\[1\]"),
        (REVIEWS, [[0.5001]], "the label is another"),
    ],
)
def test_other_scores_break_parity(contract, scores, message):
    with pytest.raises(ParityError, match=message):
        check_parity(contract, lambda features: {"scores": np.array(scores, np.float32)})


def test_other_features_break_parity_and_name_the_first_difference():
    skewed = dataclasses.replace(
        HOUSES, record=Record.packed({"rooms": standard(2.0, 1.0), "age": standard(25.0, 10.0)}, "features")
    )

    with pytest.raises(ParityError, match=r"feature 'features': 1 values differ, first at \(1,\): -1.5 for -1.0"):
        check_parity(skewed, lambda features: {"scores": np.array([[24.5]], np.float32)})


def with_answer(contract, **changes):
    (made,) = contract.answers.make({name: array[None] for name, array in contract.examples[0].outputs.items()})
    return dataclasses.replace(contract, examples=(dataclasses.replace(contract.examples[0], answer=made | changes),))


def test_examples_hold_their_answers_and_older_contracts_read_without():
    again = Contract.from_json(with_answer(HOUSES).to_json())
    assert again.examples[0].answer == {"value": 24.5, "unit": "$1000"}

    assert Contract.from_json(HOUSES.to_json()).examples[0].answer is None
    assert "answer" not in json.loads(HOUSES.to_json())["parity"]["examples"][0]


def computes(outputs):
    return lambda features: {name: array[None] for name, array in outputs.items()}


def test_an_answer_that_is_not_what_training_computed_fails_parity():
    check_parity(with_answer(HOUSES), computes(HOUSES.examples[0].outputs))
    check_parity(with_answer(HOUSES, value=24.5004), computes(HOUSES.examples[0].outputs))

    with pytest.raises(ParityError, match=r"parity example 0: 'value' is 24\.5, training computed 25\.5"):
        check_parity(with_answer(HOUSES, value=25.5), computes(HOUSES.examples[0].outputs))
    swapped = dataclasses.replace(with_answer(REVIEWS), answers=Answers.single(Labels(("good", "bad"), top=2)))
    with pytest.raises(ParityError, match="'label' is 'good', training computed 'bad'"):
        check_parity(swapped, computes(REVIEWS.examples[0].outputs))
