import dataclasses
import json

import numpy as np
import pytest

from serving.contract import Contract, Labels, ParityExample, TabularScaler, TextVectorizer, Value, check_parity
from serving.errors import ContractError, InvalidInstance, ParityError

SCALER = TabularScaler(("rooms", "age"), (2.0, 20.0), (1.0, 10.0))
VECTORIZER = TextVectorizer(("good", "bad"), num_words=6, length=3)


def contract_of(preprocessor, output, instance, score):
    features = preprocessor.transform([preprocessor.decode(instance)])
    example = ParityExample(
        instance, {name: array[0] for name, array in features.items()}, np.array([score], np.float32)
    )
    return Contract("m", "binary", preprocessor, output, (example,), 1e-3, {"metric": "accuracy"}, {"data": "sample"})


HOUSES = contract_of(SCALER, Value("$1000"), {"rooms": 3, "age": 10}, 24.5)
REVIEWS = contract_of(VECTORIZER, Labels(("bad", "good"), top=2), {"text": "good"}, 0.4995)


@pytest.mark.parametrize("contract", [HOUSES, REVIEWS])
def test_json_round_trip_is_exact(contract):
    again = Contract.from_json(contract.to_json())

    assert again.to_json() == contract.to_json()
    assert again.preprocessor == contract.preprocessor
    assert again.output == contract.output
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
    "text", ["", "[]", "{}", '{"schema": 2}', HOUSES.to_json().replace('"tabular"', '"audio"'), "\xff"]
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
    check_parity(HOUSES, lambda features: np.array([[24.5005]], np.float32))


@pytest.mark.parametrize(
    ("contract", "scores", "message"),
    [
        (HOUSES, [[24.502]], "m: parity example 0: scores are off by 0.00200"),
        (HOUSES, [[np.nan]], "scores are off by nan"),
        (HOUSES, [24.5], "scores have shape"),
        (REVIEWS, [[0.5001]], "the label is another"),
    ],
)
def test_other_scores_break_parity(contract, scores, message):
    with pytest.raises(ParityError, match=message):
        check_parity(contract, lambda features: np.array(scores, np.float32))


def test_other_features_break_parity_and_name_the_first_difference():
    skewed = dataclasses.replace(HOUSES, preprocessor=dataclasses.replace(SCALER, means=(2.0, 25.0)))

    with pytest.raises(ParityError, match=r"feature 'features': 1 values differ, first at \(1,\): -1.5 for -1.0"):
        check_parity(skewed, lambda features: np.array([[24.5]], np.float32))
