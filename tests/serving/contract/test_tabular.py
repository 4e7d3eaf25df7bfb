import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving.contract import TabularScaler
from serving.errors import InvalidFields

ROWS = np.array([[1.0, 10.0, 5.0], [3.0, 30.0, 5.0]])
SCALER = TabularScaler.fit(ROWS, ("rooms", "age", "constant"))


def test_training_rows_come_out_with_mean_zero_and_deviation_one():
    assert SCALER.transform(ROWS)["features"].tolist() == [[-1, -1, 0], [1, 1, 0]]


def test_fields_are_read_by_name_in_any_order():
    assert SCALER.decode({"constant": 5, "age": 20, "rooms": 2.5}) == [2.5, 20.0, 5.0]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("12", "rooms: expected a number, got '12'"),
        (True, "rooms: expected a number, got True"),
        ([1], "rooms: expected a number"),
        (None, "rooms: expected a number, got nothing"),
        (math.nan, "rooms: expected a finite number"),
        (math.inf, "rooms: expected a finite number"),
        (10**400, "rooms: expected a finite number"),
    ],
)
def test_what_is_not_a_finite_number_is_refused(value, message):
    with pytest.raises(InvalidFields, match=message):
        SCALER.decode({"rooms": value, "age": 1, "constant": 5})


def test_a_missing_field_is_the_training_mean_if_training_said_so():
    tolerant = TabularScaler.fit(np.array([[1.0], [3.0], [math.nan]]), ("rooms",), missing="mean")

    rows = [tolerant.decode(instance) for instance in ({}, {"rooms": None}, {"rooms": 3})]
    assert tolerant.transform(rows)["features"].tolist() == [[0], [0], [1]]


def test_no_rows_make_no_features():
    assert SCALER.transform([])["features"].shape == (0, 3)


finite = st.floats(-1e6, 1e6)


@given(hnp.arrays(np.float64, (5, 2), elements=finite), st.lists(finite, min_size=2, max_size=2))
def test_state_survives_json_bit_for_bit(rows, instance):
    fitted = TabularScaler.fit(rows, ("a", "b"))
    again = TabularScaler.from_state(json.loads(json.dumps(fitted.to_state())))

    assert again == fitted
    assert np.array_equal(again.transform([instance])["features"], fitted.transform([instance])["features"])
