import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, QuantileTransformer, StandardScaler

from serving.contract.encoders.number import Number
from serving.contract.faults import Faults

extreme = st.floats(-1e30, 1e30)
usual = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
number = st.one_of(st.integers(-(10**30), 10**30), extreme, usual)
columns = st.lists(st.one_of(st.none(), usual, st.integers(-1000, 1000)), min_size=1, max_size=40).filter(any)


def encode(encoder, values):
    faults = Faults()
    column = encoder.read(values, faults)
    assert not faults.count, [str(fault) for fault in faults.first]
    return encoder.encode(column)


def table(values):
    return np.array([[math.nan if value is None else value] for value in values], np.float64)


@pytest.mark.parametrize(
    ("scale", "reference"),
    [
        ("standard", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("log", FunctionTransformer(lambda x: np.sign(x) * np.log1p(np.abs(x)))),
        ("quantile", QuantileTransformer(n_quantiles=20)),
    ],
)
@pytest.mark.parametrize("missing", ["mean", "median", "constant"])
@given(data=columns, later=columns)
@settings(max_examples=40)
def test_scales_and_fills_are_those_of_scikit_learn(scale, reference, missing, data, later):
    constant = 7.5 if missing == "constant" else None
    fitted = Number.fit(data, scale=scale, missing=missing, constant=constant, flag=True, quantiles=20)
    got = encode(fitted, later)

    imputer = SimpleImputer(strategy=missing, fill_value=constant).fit(table(data))
    # The quantile scale jumps where several values are equal: there, the last digit of a mean decides.
    if (scale, missing) == ("quantile", "mean"):
        assume(not np.isclose(table(data), imputer.statistics_[0], rtol=1e-9, atol=0).any())
    with warnings.catch_warnings():  # that there are fewer rows than quantiles
        warnings.simplefilter("ignore", UserWarning)
        reference.fit(table(data))
    expected = reference.transform(imputer.transform(table(later)))
    if scale == "log":
        standard = StandardScaler().fit(reference.transform(table(data)))
        assume(standard.scale_[0] > 1e-6)
        expected = standard.transform(expected)
    np.testing.assert_allclose(got[:, 0], expected[:, 0], rtol=1e-5, atol=1e-5)
    indicator = MissingIndicator(features="all").fit(table(data)).transform(table(later))
    assert got[:, 1].tolist() == indicator[:, 0].astype(float).tolist()


def test_numbers_are_imputed_and_flagged_as_by_simple_imputer():
    data, later = [1, None, 4.5, 2, None], [None, 3, None]
    reference = SimpleImputer(strategy="median", add_indicator=True).fit(table(data))

    fitted = Number.fit(data, scale="none", missing="median", flag=True)

    assert encode(fitted, later).tolist() == reference.transform(table(later)).tolist()


def test_standard_numbers_are_those_of_keras_normalization():
    import keras

    data = np.random.default_rng(0).normal(20, 7, 500)
    layer = keras.layers.Normalization(axis=None)
    layer.adapt(data)

    got = encode(Number.fit(data.tolist()), data.tolist())[:, 0]

    np.testing.assert_allclose(got, np.asarray(layer(data)).ravel(), rtol=1e-4, atol=1e-5)


@given(columns, st.floats(-100, 100), st.floats(0.5, 100), columns)
def test_numbers_are_clipped_before_anything_else(data, low, width, later):
    high = low + width
    clipped = [None if value is None else min(max(value, low), high) for value in later]
    fitted = Number.fit(data, missing="mean", low=low, high=high)
    plain = Number.fit([None if value is None else min(max(value, low), high) for value in data], missing="mean")

    np.testing.assert_array_equal(encode(fitted, later), encode(plain, clipped))  # of zeros, the sign may be another


def test_a_constant_column_is_zeros():
    for scale in ("standard", "minmax", "log", "quantile"):
        for constant in (5, 0.1, -1e30):
            fitted = Number.fit([constant] * 3 + [None], scale=scale)
            assert encode(fitted, [constant, None]).tolist() == [[0], [0]]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("12", "expected a number, got '12'"),
        (True, "expected a number, got True"),
        ([1], "expected a number, got [1]"),
        ({}, "expected a number, got {}"),
        (None, "expected a number, got nothing"),
        (math.nan, "expected a finite number of at most 1e+30 in size, got nan"),
        (-math.inf, "expected a finite number of at most 1e+30 in size, got -inf"),
        (1.1e30, "expected a finite number of at most 1e+30 in size, got 1.1e+30"),
        (10**400, "expected a finite number of at most 1e+30 in size, got 1000"),
    ],
)
def test_every_fault_is_reported_with_its_row(value, fault):
    faults = Faults()
    column = Number.fit([1, 2.5]).read([1, value, 2, value], faults)

    assert len(column) == 4
    assert faults.rows == {1, 3}
    assert all(str(it).startswith(fault) for it in faults.first)


def test_a_null_is_no_excuse_for_a_nan():
    faults = Faults()
    Number.fit([1, None]).read([None, math.nan, 1], faults)
    assert faults.rows == {1}


def test_a_number_may_be_missing_only_where_training_saw_that_or_says_what_it_means():
    assert not Number.fit([1, 2]).optional
    assert Number.fit([1, 2], missing="mean").optional
    assert Number.fit([1, None]).optional
    assert Number.fit(np.array([1, math.nan])) == Number.fit([1, None])
    with pytest.raises(ValueError, match="row 1: expected a number, got nothing"):
        Number.fit([1, None], missing="error")


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1, "x", "y"], {}, "row 1: expected a number, got 'x', and 1 more like it"),
        ([1, True], {}, "row 1: expected a number, got True"),
        ([], {}, "expected at least one number, got 0 rows"),
        ([None, None], {}, "expected at least one number, got 2 rows"),
        ([1], {"missing": "zero"}, "missing: expected one of"),
        ([1], {"scale": "unit"}, "scale: expected one of"),
        ([1], {"flag": True}, "flag: expected missing"),
        ([1], {"missing": "constant"}, "constant: expected a number"),
        ([1], {"constant": 3}, "constant: expected"),
        ([1], {"missing": "constant", "constant": math.nan}, "fill: expected a finite number"),
        ([1], {"missing": "constant", "constant": 1e31}, "constant: expected a number of at most"),
        ([1], {"low": 3, "high": 3}, "low: expected less than high"),
        ([1], {"low": math.nan}, "low: expected a finite number"),
        ([1], {"low": 1e31}, "low, high: expected numbers"),
        ([1], {"quantiles": 0}, "quantiles: expected 1 to"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(values, options, message):
    with pytest.raises(ValueError, match=message):
        Number.fit(values, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": "0"}, "low: expected a number, got '0'"),
        ({"high": True}, "high: expected a number, got True"),
        ({"flag": 1, "missing": "mean"}, "flag: expected true or false, got 1"),
        ({"missing": "constant", "constant": "x"}, "fill: expected a number, got 'x'"),
        ({"quantiles": 1.5}, "quantiles: expected a whole number, got 1.5"),
    ],
)
def test_options_of_another_type_are_refused_in_words(options, message):
    with pytest.raises(ValueError, match=message):
        Number.fit([1, 2], **options)


FITTED = [
    Number.fit([1, 2.5, 7], scale=scale, missing=missing, flag=missing == "mean", low=0.5, high=100)
    for scale in ("none", "standard", "minmax", "log", "quantile")
    for missing in ("error", "mean", "median")
]


@pytest.mark.parametrize("fitted", FITTED, ids=lambda it: f"{it.scaling.scale}-{it.missing}")
def test_state_survives_json_bit_for_bit(fitted):
    assert Number.from_state(json.loads(json.dumps(fitted.to_state()))) == fitted


@given(columns, st.sampled_from(["none", "standard", "minmax", "log", "quantile"]), st.lists(usual))
def test_a_fit_survives_json_bit_for_bit(data, scale, later):
    fitted = Number.fit(data, scale=scale)
    again = Number.from_state(json.loads(json.dumps(fitted.to_state())))
    assert again == fitted
    assert encode(again, later).tobytes() == encode(fitted, later).tobytes()


json_values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.none(), max_size=2)
)


@given(st.sampled_from(sorted(FITTED[0].to_state())), json_values)
def test_another_state_is_refused_or_can_be_used(name, value):
    try:
        encoder = Number.from_state(FITTED[-1].to_state() | {name: value})
    except (ValueError, TypeError):
        return
    json.dumps([encoder.schema, encoder.to_state()], allow_nan=False)
    assert np.isfinite(encode(encoder, [1.5, -1e30])).all()


@pytest.mark.parametrize("name", sorted(FITTED[0].to_state()))
def test_a_state_without_a_part_is_refused(name):
    state = FITTED[0].to_state()
    del state[name]
    with pytest.raises(ValueError, match=f"{name}: expected"):
        Number.from_state(state)


@given(st.one_of(json_values, extreme))
def test_what_the_schema_allows_is_read_and_nothing_else(value):
    import jsonschema_rs

    assume(not (isinstance(value, float) and not math.isfinite(value)))  # JSON has none
    for encoder in (FITTED[0], FITTED[1]):
        faults = Faults()
        encoder.read([value], faults)
        assert jsonschema_rs.is_valid(encoder.schema, value) == (not faults.count)


def test_the_schema_says_what_a_missing_number_counts_as():
    schema = Number.fit([1, None, 4], low=0, high=100).schema
    assert schema["type"] == ["number", "null"]
    assert schema["description"] == (
        "less than 0 counts as 0; more than 100 counts as 100; without a value it counts as 2.5"
    )
    assert Number.fit([1]).schema == {"type": "number", "minimum": -1e30, "maximum": 1e30}


def test_what_is_measured_is_the_number_in_its_own_unit():
    encoder = Number.fit([1, None, 4])
    column = encoder.read([3, None], Faults())
    measured = encoder.measured("x", column, encoder.encode(column))

    assert encoder.measures("x") == ("x",)
    np.testing.assert_array_equal(measured.values, [[3], [math.nan]])
    assert encoder.categories("x") == measured.totals == {}


def test_no_rows_make_no_block():
    assert encode(FITTED[0], []).shape == (0, 1)
    assert encode(FITTED[1], []).shape == (0, 2)
