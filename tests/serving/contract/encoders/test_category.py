import json
import math

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.encoders.category import Category
from serving.contract.encoders.vocabulary import Vocabulary
from serving.contract.faults import Faults
from tests.serving.contract.encoders.reading import encode, faults_of

MASK, OTHER = "<mask>", "<other>"
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)  # NumPy drops a NUL
few_words = st.sampled_from(["", "a", "A", "b", "ä", "中", "1", "True", "none"])
wholes = st.integers(-(2**40), 2**40).filter(lambda number: number not in (-1, -2))  # those are Keras's tokens
values_of = {
    "text": st.one_of(few_words, few_words, words),
    "whole": st.one_of(st.integers(0, 5), wholes),
    "truth": st.booleans(),
}


def keras_lookup(vocabulary, missing, unknown):
    """Make Keras's layers for the same ids: its masks and buckets stand first."""
    import keras

    common = {"num_oov_indices": 1 if unknown == "bucket" else 0}
    if isinstance(vocabulary[0], int) and not isinstance(vocabulary[0], bool):
        mask = -2 if missing == "bucket" else None
        return keras.layers.IntegerLookup(vocabulary=list(vocabulary), mask_token=mask, **common)
    mask = MASK if missing == "bucket" else None
    return keras.layers.StringLookup(vocabulary=list(map(str, vocabulary)), mask_token=mask, oov_token=OTHER, **common)


def for_keras(values):
    if any(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return np.array([-2 if value is None else value for value in values])
    return np.array([MASK if value is None else str(value) for value in values])


@pytest.mark.parametrize("name", sorted(values_of))
@given(data=st.data(), missing=st.sampled_from(["error", "bucket"]), least_count=st.integers(1, 2))
@settings(max_examples=12)
def test_ids_and_one_hots_are_those_of_keras(name, data, missing, least_count):
    import keras

    value = st.one_of(st.none(), values_of[name]) if missing == "bucket" else values_of[name]
    first = data.draw(values_of[name])
    rows = [first] * least_count + data.draw(st.lists(value, max_size=30))
    unknown = data.draw(st.sampled_from(["bucket", None]))
    encoder = Category.fit(rows, missing=missing, unknown=unknown, least_count=least_count)
    later = data.draw(st.lists(value, max_size=20)) if encoder.vocabulary.unknown == "bucket" else []
    later = [first, *later, *(it for it in rows if it in encoder.vocabulary.values)]

    lookup = keras_lookup(encoder.vocabulary.values, missing, encoder.vocabulary.unknown)
    ids = np.asarray(lookup(for_keras(later)))
    onehot = keras.layers.CategoryEncoding(encoder.vocabulary.width, output_mode="one_hot")(ids)

    assert encode(Category(encoder.vocabulary, "id"), later)[:, 0].tolist() == ids.tolist()
    assert np.array_equal(encode(encoder, later), np.asarray(onehot))


@pytest.mark.parametrize("name", ["text", "whole"])
@given(data=st.data())
@settings(max_examples=12)
def test_the_vocabulary_is_in_the_order_in_which_keras_adapts_to_it(name, data):
    import keras

    rows = data.draw(st.lists(values_of[name], min_size=1, max_size=40))
    if name == "text":
        lookup = keras.layers.StringLookup(mask_token=None, oov_token=OTHER)
        lookup.adapt(np.array(rows))
    else:
        lookup = keras.layers.IntegerLookup(mask_token=None, oov_token=-1)
        lookup.adapt(np.array(rows))

    assert list(Category.fit(rows).vocabulary.values) == lookup.get_vocabulary()[1:]


def test_one_true_and_the_text_one_are_three_values():
    text, whole, truth = Category.fit(["1", "0"]), Category.fit([1, 0]), Category.fit([True, False])

    assert faults_of(text, [1, True, "1"]) == ["0: expected a string, got 1", "1: expected a string, got True"]
    assert faults_of(whole, ["1", True, 1]) == [
        "0: expected a whole number, got '1'",
        "1: expected a whole number, got True",
    ]
    assert faults_of(truth, ["1", 1, True]) == [
        "0: expected true or false, got '1'",
        "1: expected true or false, got 1",
    ]
    assert encode(whole, [1.0, 1]).tolist() == [[1, 0], [1, 0]]  # JSON's 1.0 is a whole number


def test_an_unknown_value_is_a_fault_or_one_of_a_bucket():
    strict = Category.fit(["Dream", "Biscoe", "Biscoe"])
    tolerant = Category.fit(["Dream", "Biscoe", "Biscoe"], unknown="bucket")

    assert faults_of(strict, ["Dream", "dream", None, [1], 3.5]) == [
        "1: expected one of 'Biscoe', 'Dream', got 'dream'",
        "2: expected a string, got nothing",
        "3: expected a string, got [1]",
        "4: expected a string, got 3.5",
    ]
    assert encode(tolerant, ["Dream", "dream"]).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert faults_of(tolerant, [None, {}, "x" * 1001])[2].startswith("2: expected a string of at most 1,000 characters")


def test_a_fault_lists_ten_values_and_counts_the_others():
    encoder = Category.fit([f"v{number:02}" for number in range(30)])
    assert faults_of(encoder, ["x"]) == [
        "0: expected one of 'v29', 'v28', 'v27', 'v26', 'v25', 'v24', 'v23', 'v22', 'v21', 'v20' and 20 more, got 'x'"
    ]


def test_values_rarer_than_the_least_count_are_unknown():
    encoder = Category.fit(["a", "a", "b"], least_count=2)

    assert encoder.vocabulary == Vocabulary(("a",), "error", "bucket")
    with pytest.raises(ValueError, match="'b' comes 1 times, less than least_count, 2: unknown must be 'bucket'"):
        Category.fit(["a", "a", "b"], least_count=2, unknown="error")


def test_a_value_may_be_missing_only_where_training_saw_that_or_says_what_it_means():
    assert not Category.fit(["a"]).optional
    assert Category.fit(["a"], missing="bucket").optional
    assert Category.fit(["a", None]) == Category.fit(np.array(["a", math.nan], object))
    assert encode(Category.fit(["a", None]), [None, "a"]).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="row 1: expected a string, as the first is, got nothing"):
        Category.fit(["a", None], missing="error")


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "expected a value that comes 1 times, got 0 values without one"),
        ([None], {}, "expected a value that comes 1 times"),
        (["a", "b"], {"least_count": 3}, "expected a value that comes 3 times"),
        ([None, 1, "a", True], {}, "row 2: expected a whole number, as the first is, got 'a', and 1 more like it"),
        ([1.5], {}, "row 0: expected a string of at most 1,000 characters, a whole number of at most 64 bits, or true"),
        ([["a"]], {}, r"row 0: expected a string .* got \['a'\]"),
        ([1, 2**63], {}, "row 1: expected a whole number of at most 64 bits, as the first is"),
        (["a", "x" * 1001], {}, "row 1: expected a string of at most 1,000 characters"),
        (["\ud800"], {}, "expected a text that UTF-8 can hold"),
        (["a"], {"output": "multihot"}, "output: expected onehot or id"),
        (["a"], {"missing": "mean"}, "missing: expected error or bucket"),
        (["a"], {"unknown": "mean"}, "unknown: expected error or bucket"),
        (["a"], {"least_count": 0}, "least_count: expected 1 to"),
        (range(10_001), {}, "expected at most 10,000 categories, got 10,001: leave out rare ones"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(values, options, message):
    with pytest.raises(ValueError, match=message):
        Category.fit(values, **options)


def test_whole_numbers_of_a_table_with_gaps_stay_whole_numbers():
    encoder = Category.fit(np.array([3.0, math.nan, 3.0, 1.0]))
    assert encoder.vocabulary.values == (3, 1)
    assert encoder.datatype == "INT64"


FITTED = [
    Category(Vocabulary(values, missing, unknown), output)
    for values in (("b", "a"), (3, -1), (True, False), (True,))
    for missing in ("error", "bucket")
    for unknown in ("error", "bucket")
    for output in ("onehot", "id")
]


@pytest.mark.parametrize("fitted", FITTED, ids=str)
def test_state_survives_json(fitted):
    again = Category.from_state(json.loads(json.dumps(fitted.to_state())))
    assert again == fitted
    assert list(map(type, again.vocabulary.values)) == list(map(type, fitted.vocabulary.values))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), words),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(st.one_of(json_values, st.sampled_from(["a", "b", 3, -1, -1.0, 2**63, -(2**63), True, "x" * 1001])))
def test_what_the_schema_allows_is_read_and_nothing_else(value):
    for encoder in FITTED:
        faults = Faults()
        encoder.read([value], faults)
        assert jsonschema_rs.is_valid(encoder.schema, value) == (not faults.count), encoder


@given(st.sampled_from(sorted(FITTED[0].to_state())), json_values)
def test_another_state_is_refused_or_can_be_used(name, value):
    try:
        encoder = Category.from_state(FITTED[0].to_state() | {name: value})
    except (ValueError, TypeError):
        return
    json.dumps([encoder.schema, encoder.to_state()], allow_nan=False)
    assert encode(encoder, [encoder.vocabulary.values[0]]).any() or encoder.output == "id"


@pytest.mark.parametrize("values", [[], ["a", "a"], ["a", 1], [1, True], [1.0], ["\ud800"], [[]], "ab", {"a": 1}])
def test_values_that_are_no_vocabulary_are_refused(values):
    with pytest.raises((ValueError, TypeError)):
        Category.from_state(FITTED[0].to_state() | {"values": values})


def test_the_schema_lists_what_may_be_chosen():
    assert Category.fit(["a", "b"]).schema == {"type": "string", "enum": ["b", "a"]}
    assert Category.fit(["a", None]).schema == {"type": ["string", "null"], "enum": ["a", None]}
    tolerant = Category.fit([4, 4, 2], unknown="bucket").schema
    assert (tolerant["type"], tolerant["examples"]) == ("integer", [4, 2])
    many = Category.fit(range(2000)).schema
    assert (len(many["examples"]), many["description"]) == (1000, "one of 2,000 known values")


def test_a_form_has_a_checkbox_only_for_what_is_true_or_false():
    assert Category.fit([True, False]).control == "checkbox"
    assert Category.fit([True, None]).control == Category.fit(["a"]).control == "choice"


def test_values_are_counted_for_drift_and_the_rare_ones_together():
    encoder = Category.fit(["a", "a", "(other)", None], unknown="bucket")
    column = encoder.read(["a", None, "x", "a", "(other)", "y"], Faults())

    assert encoder.categories("island") == {"island": ("a", "(other)", "(other)_", "(missing)")}
    measured = encoder.measured("island", column, encoder.encode(column))
    assert measured.values.shape == (6, 0)
    assert measured.totals["island"].tolist() == [2, 1, 2, 1]

    many = Category.fit(list(range(40)))
    totals = many.measured("n", many.read(list(range(40)), Faults()), None).totals["n"]
    assert many.categories("n")["n"][-2:] == ("8", "(other)")
    assert totals.tolist() == [1] * 32 + [8]


def test_truth_values_are_counted_as_json_has_them():
    assert Category.fit([True, False]).categories("x") == {"x": ("true", "false")}


def test_no_rows_make_no_block():
    assert encode(Category.fit(["a", "b"]), []).shape == (0, 2)
