import json
import math

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from serving.contract.encoders.array import NumberArray
from serving.contract.encoders.channels import Channels
from serving.contract.encoders.padding import Padding
from serving.contract.faults import Faults
from tests.serving.contract.encoders.reading import encode, faults_of

finite = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}


def by_channel(values):
    return values.reshape(-1, values.shape[-1] if values.ndim > 2 else 1)


@pytest.mark.parametrize("scale", ["none", "standard", "minmax"])
@given(data=st.data(), shape=shapes)
@settings(max_examples=50)
def test_channels_are_scaled_as_columns_are_by_scikit_learn(scale, data, shape):
    rows, later = (
        data.draw(hnp.arrays(np.float64, (data.draw(st.integers(2, 6)), *shape), elements=finite)) for _ in range(2)
    )
    fitted = NumberArray.fit(rows.tolist(), scale=scale)
    expected = by_channel(later)
    if scale != "none":
        expected = SCALERS[scale]().fit(by_channel(rows)).transform(expected)

    got = encode(fitted, later.tolist())
    np.testing.assert_allclose(got, expected.reshape(later.shape), rtol=1e-5, atol=1e-5)


@given(
    st.lists(st.lists(finite, max_size=6), min_size=1, max_size=6),
    st.integers(1, 5),
    st.sampled_from(["beginning", "end"]),
    st.sampled_from(["beginning", "end"]),
)
def test_sequences_are_padded_and_cut_as_by_keras(rows, length, pad, cut):
    from keras.utils import pad_sequences

    words = {"beginning": "pre", "end": "post"}
    expected = pad_sequences(rows, length, dtype="float32", padding=words[pad], truncating=words[cut], value=-1.5)
    none = Channels("none", (0.0,), (0.0,), (1.0,))
    encoder = NumberArray((length,), none, padding=Padding(-1.5, pad, cut))

    assert encode(encoder, rows).tobytes() == expected.tobytes()


@given(st.lists(hnp.arrays(np.float64, st.tuples(st.integers(0, 5), st.just(2)), elements=finite), min_size=1))
def test_rows_of_channels_are_padded_and_cut_along_the_first_axis(rows):
    if not any(map(len, rows)):
        rows.append(np.ones((1, 2)))
    fitted = NumberArray.fit([row.tolist() for row in rows], length=3, padding=-9)

    expected = np.full((len(rows), 3, 2), -9.0)
    for block, row in zip(expected, rows, strict=True):
        kept = row[:3]
        block[: len(kept)] = (kept - fitted.channels.offsets) / fitted.channels.divisors
    assert np.array_equal(encode(fitted, [row.tolist() for row in rows]), expected.astype(np.float32))
    kept = np.concatenate([row[:3] for row in rows])
    np.testing.assert_allclose(fitted.channels.means, kept.mean(axis=0), rtol=1e-9, atol=1e-9)


def test_a_missing_number_counts_as_the_mean_of_its_channel():
    fitted = NumberArray.fit([[[1, 10], [3, None]], [[5, 30], [None, math.nan]]])

    assert fitted.channels.means == (3, 20)
    assert encode(fitted, [[[3, None], [None, 20]], None]).tolist() == [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]
    none = NumberArray.fit([[1, 3, None]], scale="none")
    assert encode(none, [[None, 5, 6], None]).tolist() == [[2, 5, 6], [2, 2, 2]]


def test_a_missing_sequence_is_an_empty_one():
    fitted = NumberArray.fit([[1, 3], None], scale="none", length=3, padding=-1)
    assert encode(fitted, [None, [], [None]]).tolist() == [[-1, -1, -1], [-1, -1, -1], [2, -1, -1]]


def test_a_number_may_be_missing_only_where_training_saw_that_or_says_what_it_means():
    assert not NumberArray.fit([[1, 2]]).optional
    assert NumberArray.fit([[1, 2]], missing="mean").optional
    assert NumberArray.fit([[1, None]]).optional
    assert NumberArray.fit([[1, 2], None]).optional
    assert NumberArray.fit(np.array([[1, 2], [3, math.nan]])) == NumberArray.fit([[1, 2], [3, None]])
    with pytest.raises(ValueError, match="row 1: 0: expected a number, got nothing"):
        NumberArray.fit([[1], [None]], missing="error")


def test_every_fault_is_reported_with_its_row_and_place():
    fitted = NumberArray.fit([[[1, 2], [3, 4]]])

    assert faults_of(fitted, [[[1, 2], [3, 4]], [[1, "x"], [True, math.nan]], [[1, 2]], [[1], 5], None, {}]) == [
        "1: 0/1: expected a number, got 'x'",
        "1: 1/0: expected a number, got True",
        "1: 1/1: expected a finite number of at most 1e+30 in size, got nan",
        "2: expected a list of 2 items, got 1",
        "3: 0: expected a list of 2 items, got 1",
        "3: 1: expected a list of 2 items, got 5",
        "4: expected a list of 2 items, got nothing",
        "5: expected a list of 2 items, got {}",
    ]


def test_faults_beyond_the_cut_are_reported_and_a_list_has_a_limit():
    fitted = NumberArray.fit([[1.0]], length=1)
    assert faults_of(fitted, [[1, 2, "x"], [], [0] * 1_000_001]) == [
        "0: 2: expected a number, got 'x'",
        "2: expected a list of at most 1,000,000 items, got 1,000,001",
    ]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "expected at least one array, got 0 rows"),
        ([None], {}, "expected at least one array, got 1 rows"),
        ([[1, 2], [1]], {}, "row 1: expected a list of 2 items, got 1"),
        ([[1, 2], [1, "x"]], {}, "row 1: 1: expected a number, got 'x'"),
        ([5], {}, "shape: expected at least one axis"),
        ([[]], {}, "shape: expected up to 6 axes, none of them empty"),
        ([[[[[[[[1]]]]]]]], {}, "expected at most 6 axes"),
        ([[]], {"length": 3}, "expected at least one number in each channel, got none in channel 0"),
        ([[[1, None]]], {}, "expected at least one number in each channel, got none in channel 1"),
        ([[1]], {"length": 0}, "length: expected 1 to 1,000,000, got 0"),
        ([[1]], {"length": 2_000_000}, "length: expected 1 to 1,000,000, got 2,000,000"),
        ([[[1, 2]]], {"length": 600_000}, "of 1,000,000 elements together"),
        ([[1]], {"scale": "log"}, "scale: expected one of none, standard, minmax"),
        ([[1]], {"missing": "zero"}, "missing: expected error or mean"),
        ([[1]], {"length": 1, "pad": "left"}, "pad: expected beginning or end"),
        ([[1]], {"length": 1, "padding": math.nan}, "padding: expected a finite number"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(values, options, message):
    with pytest.raises(ValueError, match=message):
        NumberArray.fit(values, **options)


FITTED = [
    NumberArray.fit([[[1, 2], [3, 4]], [[1.5, 2.5], [9, 4]]]),
    NumberArray.fit([[1, 2, None]], scale="minmax"),
    NumberArray.fit([[1, 2], [3]], scale="none", length=2, pad="beginning", cut="beginning"),
    NumberArray.fit([[[1, None]], [], [[1, 3], [4, 4]]], length=3, padding=-1),
]
ids = [f"{it.shape}{it.missing}" for it in FITTED]
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("fitted", FITTED, ids=ids)
def test_state_survives_json_bit_for_bit(fitted):
    assert NumberArray.from_state(json.loads(json.dumps(fitted.to_state()))) == fitted


@given(st.sampled_from(FITTED), st.sampled_from(sorted(FITTED[0].to_state())), json_values)
def test_another_state_is_refused_or_can_be_used(fitted, name, value):
    try:
        encoder = NumberArray.from_state(fitted.to_state() | {name: value})
    except (ValueError, TypeError):
        return
    json.dumps([encoder.schema, encoder.to_state()], allow_nan=False)
    assert np.isfinite(encode(encoder, [np.zeros(encoder.shape).tolist()])).all()


@given(st.one_of(json_values, st.lists(st.lists(st.one_of(finite, st.none()), max_size=2), max_size=3)))
def test_what_the_schema_allows_is_read_and_nothing_else(value):
    for encoder in FITTED:
        faults = Faults()
        encoder.read([value], faults)
        assert jsonschema_rs.is_valid(encoder.schema, value) == (not faults.count)


def test_the_schema_says_what_becomes_of_other_lengths():
    schema = FITTED[3].schema
    assert schema["description"] == "shorter than 3 is filled up at the end, longer is cut at the end"
    assert (schema["type"], schema["maxItems"]) == (["array", "null"], 500_000)
    assert schema["items"]["minItems"] == 2


@given(st.sampled_from(FITTED), st.data())
def test_mean_and_deviation_are_measured(encoder, data):
    element = st.one_of(st.none(), finite) if encoder.optional else finite
    lists = st.lists(element, min_size=encoder.shape[-1], max_size=encoder.shape[-1])
    value = st.lists(lists, min_size=1, max_size=2) if len(encoder.shape) > 1 else lists
    rows = data.draw(st.lists(value.filter(lambda it: encoder.padding or len(it) == encoder.shape[0]), max_size=4))
    column = encoder.read(rows, Faults())
    measured = encoder.measured("load", column, encoder.encode(column)).values

    assert encoder.measures("load") == ("load.mean", "load.deviation")
    assert measured.shape == (len(rows), 2)
    for got, row in zip(measured, rows, strict=True):
        numbers = np.array(row, np.float64).ravel()
        numbers = numbers[~np.isnan(numbers)]
        expected = (numbers.mean(), numbers.std()) if len(numbers) else (math.nan, math.nan)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


def test_no_rows_make_no_block():
    for encoder in FITTED:
        assert encode(encoder, []).shape == (0, *encoder.shape)
