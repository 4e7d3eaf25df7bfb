"""Heads that answer with numbers: value, values, interval, vector."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving.contract.heads.interval import Interval
from serving.contract.heads.value import Value
from serving.contract.heads.values import Values
from serving.contract.heads.vector import Vector

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


def test_a_share_is_from_0_to_1_and_its_schema_says_so():
    share = Value("", low=0.0, high=1.0)
    scores = np.array([[0.25], [-0.125], [1.5]], np.float32)

    assert [answer["value"] for answer in share.answers(scores)] == [0.25, 0.0, 1.0]
    assert share.schema["properties"]["value"] == {"type": "number", "minimum": 0.0, "maximum": 1.0}
    assert share.measured("", scores).values.tolist() == [[0.25], [0], [1]]


def test_several_values_have_a_name_and_a_unit_each():
    values = Values(("width", "price"), ("m", ""))

    assert values.answers(np.array([[24.1, 3]], np.float32)) == [{"values": {"width": 24.1, "price": 3.0}}]
    assert values.measures("") == ("width", "price")
    assert values.measures("house") == ("house.width", "house.price")
    assert values.schema["properties"]["values"]["properties"] == {
        "width": {"type": "number", "description": "in m"},
        "price": {"type": "number"},
    }


def test_an_interval_holds_its_value_even_where_quantiles_cross():
    interval = Interval("MW", 0.804)

    assert interval.answers(np.array([[1, 2.1, 4], [3, 2, 1]], np.float32)) == [
        {"value": 2.1, "low": 1.0, "high": 4.0, "unit": "MW"},
        {"value": 2.0, "low": 1.0, "high": 3.0, "unit": "MW"},
    ]
    assert interval.schema["description"] == "low to high held the true value of 80.4% of the test rows"
    assert interval.measures("load") == ("load.value", "load.width")
    assert interval.measured("load", np.array([[3, 2, 1]], np.float32)).values.tolist() == [[2, 2]]


@given(hnp.arrays(np.float32, (2, 3), elements=finite))
def test_a_vector_is_its_numbers_exactly(values):
    answers = Vector(3).answers(values)
    assert np.array([answer["vector"] for answer in answers], np.float32).tobytes() == values.tobytes()


def test_the_length_of_a_vector_is_measured():
    assert Vector(2).measured("", np.array([[3, 4]], np.float32)).values.tolist() == [[5]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Value("", low=1.0, high=1.0), "low: expected less than high"),
        (lambda: Values(("a", "a"), ("", "")), "names"),
        (lambda: Values(("a",), ()), "units: expected 1"),
        (lambda: Interval("m", 80.4), "coverage: expected a share from 0 to 1, got 80.4"),
        (lambda: Vector(0), "size: expected 1 to"),
    ],
)
def test_heads_that_cannot_be_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
