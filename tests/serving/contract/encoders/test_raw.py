import json
import math
from typing import get_args

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving.contract import InstanceLimits
from serving.contract.arrays import TensorSpec, array_from_json, array_to_json
from serving.contract.encoders.elements import DType
from serving.contract.encoders.raw import Raw
from serving.contract.faults import Faults
from tests.serving.contract.encoders.reading import faults_of

DTYPES = get_args(DType)
NUMBERS = [dtype for dtype in DTYPES if dtype != "string"]
FITTED = [Raw(dtype, shape) for dtype in DTYPES for shape in ((), (2,), (2, 1, 2))]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
shapes = st.lists(st.integers(1, 3), max_size=3).map(tuple)


def encode(encoder, values):
    faults = Faults()
    column = encoder.read(values, faults)
    assert not faults.count, [str(fault) for fault in faults.first]
    block = encoder.encode(column)
    assert block.dtype == encoder.block.numpy
    assert block.shape == (len(values), *encoder.shape)
    return block


@pytest.mark.parametrize("dtype", NUMBERS)
@given(data=st.data(), shape=shapes)
def test_every_tensor_of_numbers_comes_back_bit_for_bit(dtype, data, shape):
    special = {"allow_nan": False, "allow_infinity": False} if dtype.startswith("float") else {}
    elements = hnp.from_dtype(np.dtype(dtype), **special)
    rows = data.draw(hnp.arrays(dtype, (data.draw(st.integers(0, 4)), *shape), elements=elements))

    assert encode(Raw(dtype, shape), json.loads(json.dumps(rows.tolist()))).tobytes() == rows.tobytes()


@given(st.data(), shapes)
def test_every_tensor_of_texts_comes_back_as_utf_8(data, shape):
    rows = data.draw(hnp.arrays(object, (data.draw(st.integers(0, 4)), *shape), elements=texts))
    block = encode(Raw("string", shape), rows.tolist())

    assert [text.decode() for text in block.ravel()] == rows.ravel().tolist()
    assert np.array_equal(array_from_json(json.loads(json.dumps(array_to_json(block)))), block)


@pytest.mark.parametrize(
    ("dtype", "value", "fault"),
    [
        ("float32", "1", "a number, got '1'"),
        ("float32", True, "a number, got True"),
        ("float32", None, "a number, got nothing"),
        ("float32", math.nan, "a number from -3.40282e+38 to 3.40282e+38, for float32, got nan"),
        ("float32", 3.5e38, "a number from -3.40282e+38 to 3.40282e+38, for float32, got 3.5e+38"),
        ("float16", 65520, "a number from -65504 to 65504, for float16, got 65520"),
        ("float64", 10**400, "a number from -1.79769e+308 to 1.79769e+308, for float64, got 1000"),
        ("int32", 1.5, "a whole number, got 1.5"),
        ("int32", True, "a whole number, got True"),
        ("int32", 2**31, "a whole number from -2.14748e+09 to 2.14748e+09, for int32, got 2147483648"),
        ("uint8", -1, "a whole number from 0 to 255, for uint8, got -1"),
        ("int64", 2**63, "a whole number from -9.22337e+18"),
        ("uint64", 2**64, "a whole number from 0 to"),
        ("bool", 1, "true or false, got 1"),
        ("string", 1, "a string, got 1"),
        ("string", "\ud800", "a string of whole characters"),
        ("string", "x" * 101, "at most 100 characters, got 101"),
    ],
)
def test_every_fault_is_reported_with_its_row_and_place(dtype, value, fault):
    limits = InstanceLimits(text_characters=100, image_pixels=1, image_bytes=1)
    good = {"bool": True, "string": "a"}.get(dtype, 1)
    alone, listed = Raw(dtype).limited(limits), Raw(dtype, (2,)).limited(limits)

    assert [it.startswith(f"1: expected {fault}") for it in faults_of(alone, [good, value])] == [True]
    faults = faults_of(listed, [[good, good], [good, value], [value, good], [good], good, None])
    assert faults[0].startswith(f"1: 1: expected {fault}")
    assert faults[1].startswith(f"2: 0: expected {fault}")
    assert faults[2] == "3: expected a list of 2 items, got 1"
    assert faults[3].startswith("4: expected a list of 2 items, got ")
    assert faults[4] == "5: expected a list of 2 items, got nothing"


def test_whole_numbers_may_be_written_with_a_point():
    assert encode(Raw("int32", (2,)), [[1.0, 2]]).tolist() == [[1, 2]]
    assert encode(Raw("uint64"), [2**64 - 1, 0]).tolist() == [2**64 - 1, 0]
    assert encode(Raw("int64"), [2**63 - 1, -(2**63)]).tolist() == [2**63 - 1, -(2**63)]


def test_the_shape_is_the_first_values_or_as_stated():
    assert Raw.fit([[[1, 2]], [[3, 4]]], dtype="float32") == Raw("float32", (1, 2))
    assert Raw.fit(["a"], dtype="string") == Raw("string")
    assert Raw.fit([], dtype="int8", shape=[3]) == Raw("int8", (3,))
    assert Raw.fit(np.ones((2, 3), np.float32), dtype="float32").shape == (3,)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {"dtype": "int8"}, "expected at least one value, or a shape"),
        ([1], {"dtype": "int4"}, "dtype: expected one of float16"),
        ([[1], [1, 2]], {"dtype": "int8"}, "row 1: expected a list of 1 items, got 2"),
        ([1, 300], {"dtype": "int8"}, "row 1: expected a whole number from -128 to 127, for int8, got 300"),
        ([1, None], {"dtype": "int8"}, "row 1: expected a whole number, got nothing"),
        ([[]], {"dtype": "int8"}, "shape/0: expected 1 to 1,000,000, got 0"),
        ([1], {"dtype": "int8", "shape": [0]}, "shape/0: expected 1 to 1,000,000, got 0"),
        ([1], {"dtype": "int8", "shape": [2000, 2000]}, "of 1,000,000 elements together"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(values, options, message):
    with pytest.raises(ValueError, match=message):
        Raw.fit(values, **options)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.lists(inner, min_size=1, max_size=2),
    max_leaves=6,
)


@given(st.one_of(json_values, st.sampled_from([2.0**63, -(2**63), 2**64 - 1, 65504, 65505, 255.0, 1e300])))
def test_what_the_schema_allows_is_read_and_nothing_else(value):
    for encoder, validator in zip(FITTED, VALIDATORS, strict=True):
        faults = Faults()
        encoder.read([value], faults)
        assert validator.is_valid(value) == (not faults.count), encoder


VALIDATORS = [jsonschema_rs.validator_for(encoder.schema) for encoder in FITTED]


@pytest.mark.parametrize("fitted", FITTED, ids=str)
def test_state_survives_json(fitted):
    assert Raw.from_state(json.loads(json.dumps(fitted.to_state()))) == fitted


@given(st.sampled_from(["dtype", "shape"]), json_values)
def test_another_state_is_refused_or_can_be_used(name, value):
    try:
        encoder = Raw.from_state(FITTED[1].to_state() | {name: value})
    except (ValueError, TypeError):
        return
    json.dumps([encoder.schema, encoder.to_state()], allow_nan=False)
    assert len(encode(encoder, [np.ones(encoder.shape).tolist()])) == 1


def test_means_and_lengths_are_measured():
    def measured(encoder, rows):
        column = encoder.read(rows, Faults())
        return encoder.measures("x"), encoder.measured("x", column, encoder.encode(column)).values.tolist()

    assert measured(Raw("int8"), [1, 3]) == (("x",), [[1], [3]])
    assert measured(Raw("float32", (2,)), [[1, 2], [3, 4]]) == (("x.mean",), [[1.5], [3.5]])
    assert measured(Raw("bool"), [True, False]) == (("x",), [[1], [0]])
    assert measured(Raw("string", (2,)), [["a", "äb"], ["", ""]]) == (("x.length",), [[2], [0]])
    assert measured(Raw("float64", (2,)), [[1e308, 1e308]]) == (("x.mean",), [[1e30]])
    assert measured(Raw("string"), []) == (("x.length",), [])


def test_a_row_of_texts_has_a_size_where_one_is_needed():
    assert TensorSpec("string", (None, 2)).row_bytes == 512
    assert TensorSpec("float32", (None, 2)).row_bytes == 8
    assert TensorSpec("string", (None,)).numpy.kind == "O"


def test_the_control_suits_the_value():
    assert [Raw(dtype).control for dtype in ("string", "bool", "int8")] == ["text", "checkbox", "number"]
    assert Raw("string", (1,)).control == "list"
