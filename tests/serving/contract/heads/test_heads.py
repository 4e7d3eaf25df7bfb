"""What holds for all heads; each has a module of its own for what it answers."""

import json

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving.contract.heads.interval import Interval
from serving.contract.heads.labels import Labels
from serving.contract.heads.tags import TagSet
from serving.contract.heads.value import Value
from serving.contract.heads.values import Values
from serving.contract.heads.vector import Vector
from serving.contract.reference import Reference

HEADS = [
    Labels(("no", "yes"), top=2),
    Labels(("a", "b", "c"), top=2),
    TagSet(("grain", "corn", "oil"), (0.5, 0.25, 0.9)),
    Value("$1000"),
    Value("", low=0.0, high=1.0),
    Value("m", low=0.1),
    Values(("x", "y"), ("m", "")),
    Interval("m", 0.8),
    Vector(4),
]
PYTHON = {"text": str, "number": float, "numbers": list, "texts": list, "scores": dict}
SCORES = ("labels", "tags")
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def outputs(head):
    low, high = (0, 1) if head.kind in SCORES else (-1e30, 1e30)
    return hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 4), st.just(head.output.shape[1])),
        elements=st.floats(float(np.float32(low)), float(np.float32(high)), width=32),
    )


@pytest.mark.parametrize("head", HEADS, ids=str)
@given(data=st.data())
@settings(max_examples=25)
def test_an_answer_fits_its_schema_and_is_plain_json(head, data):
    values = data.draw(outputs(head))
    answers = head.answers(values)

    assert len(answers) == len(values)
    for answer in answers:
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer
        assert jsonschema_rs.is_valid(head.schema, answer)
        assert list(answer) == list(head.columns) == list(head.schema["properties"])
        assert {name: type(value) for name, value in answer.items()} == {
            name: PYTHON[column] for name, column in head.columns.items()
        }


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize("prefix", ["", "price"])
@given(data=st.data())
@settings(max_examples=25)
def test_what_is_measured_fits_its_names(head, prefix, data):
    values = data.draw(outputs(head))
    measured = head.measured(prefix, values)

    assert measured.values.shape == (len(values), len(head.measures(prefix)))
    assert {name: len(counts) for name, counts in measured.totals.items()} == {
        name: len(names) for name, names in head.categories(prefix).items()
    }
    assert all(name.startswith(prefix) for name in (*head.measures(prefix), *head.categories(prefix)))
    Reference.fit(head.measures(prefix), measured, head.categories(prefix))


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_state_survives_json(head):
    assert type(head).from_state(json.loads(json.dumps(head.to_state()))) == head


@pytest.mark.parametrize("head", HEADS, ids=str)
@given(data=st.data())
@settings(max_examples=25)
def test_another_state_is_refused_or_can_be_used(head, data):
    name = data.draw(st.sampled_from(sorted(head.to_state())))
    try:
        other = type(head).from_state(head.to_state() | {name: data.draw(json_values)})
    except (ValueError, TypeError):
        return
    json.dumps([other.schema, other.to_state()], allow_nan=False)
    assert len(other.answers(np.zeros((2, other.output.shape[1]), np.float32))) == 2


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_a_state_without_a_part_is_refused(head):
    for name in head.to_state():
        state = head.to_state()
        del state[name]
        with pytest.raises(ValueError, match=f"{name}: expected"):
            type(head).from_state(state)


@pytest.mark.parametrize("head", HEADS, ids=str)
@given(data=st.data())
@settings(max_examples=25)
def test_the_same_output_has_no_differing_answer(head, data):
    values = data.draw(outputs(head))
    assert list(head.differing(values, values)) == []
