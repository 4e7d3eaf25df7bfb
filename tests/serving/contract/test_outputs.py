import json

import numpy as np
import pytest

from serving.contract import Labels, Value
from serving.contract.outputs import output_from_json, output_to_json


def test_one_sigmoid_score_is_that_of_the_second_label():
    labels = Labels(("negative", "positive"), top=2)

    assert labels.answers(np.array([[0.97], [0.25]], np.float32)) == [
        {"label": "positive", "score": 0.97, "scores": {"positive": 0.97, "negative": 0.03}},
        {"label": "negative", "score": 0.75, "scores": {"negative": 0.75, "positive": 0.25}},
    ]


def test_softmax_scores_are_listed_best_first_down_to_the_top():
    labels = Labels(("a", "b", "c"), top=2)

    assert labels.answers(np.array([[0.2, 0.7, 0.1]], np.float32)) == [
        {"label": "b", "score": 0.7, "scores": {"b": 0.7, "a": 0.2}}
    ]


def test_a_value_has_its_unit():
    assert Value("$1000").answers(np.array([[24.1]], np.float32)) == [{"value": 24.1, "unit": "$1000"}]


@pytest.mark.parametrize("output", [Labels(("a", "b"), top=1), Value("m")])
def test_state_survives_json(output):
    assert output_from_json(json.loads(json.dumps(output_to_json(output)))) == output
