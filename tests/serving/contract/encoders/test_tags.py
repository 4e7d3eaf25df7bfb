import json
import math

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.encoders.tags import Tags
from serving.contract.encoders.vocabulary import Vocabulary
from serving.contract.faults import Faults
from tests.serving.contract.encoders.reading import encode, faults_of

MASK, OTHER = "<mask>", "<other>"
words = st.one_of(
    st.sampled_from("abc"), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)
)
lists = st.lists(words, max_size=5)


@pytest.mark.parametrize(("output", "keras_output"), [("multihot", "multi_hot"), ("count", "count")])
@given(st.lists(lists, min_size=1, max_size=15).filter(any), st.lists(lists, max_size=10))
@settings(max_examples=20)
def test_lists_are_encoded_as_by_keras(output, keras_output, rows, later):
    import keras

    encoder = Tags.fit(rows, output=output, unknown="bucket")
    tagged = [*rows, *later]
    lookup = keras.layers.StringLookup(
        vocabulary=list(encoder.vocabulary.values), mask_token=MASK, oov_token=OTHER, output_mode=keras_output
    )
    longest = max(map(len, tagged))  # Keras takes no ragged lists there: masks fill them up
    expected = lookup(np.array([[*tags, *[MASK] * (longest - len(tags))] for tags in tagged]))

    assert np.array_equal(encode(encoder, tagged), np.asarray(expected))


@given(st.lists(lists, min_size=1, max_size=15).filter(any))
@settings(max_examples=10)
def test_the_vocabulary_is_in_the_order_in_which_keras_adapts_to_it(rows):
    import keras

    lookup = keras.layers.StringLookup(mask_token=None, oov_token=OTHER)
    lookup.adapt(np.array([tag for tags in rows for tag in tags]))

    assert list(Tags.fit(rows).vocabulary.values) == lookup.get_vocabulary()[1:]


def test_order_does_not_matter_and_duplicates_only_to_counts():
    multihot, count = Tags.fit([["a", "b"]]), Tags.fit([["a", "b"]], output="count")

    assert encode(multihot, [["a", "b", "b"], ["b", "a"], []]).tolist() == [[1, 1], [1, 1], [0, 0]]
    assert encode(count, [["a", "b", "b"], ["b", "a"], []]).tolist() == [[2, 1], [1, 1], [0, 0]]


def test_a_missing_list_is_not_an_empty_one():
    encoder = Tags.fit([["a"], None])

    assert encoder.optional
    assert encode(encoder, [None, [], ["a"]]).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert Tags.fit([["a"], math.nan]) == encoder
    assert not Tags.fit([["a"], []]).optional
    with pytest.raises(ValueError, match="row 1: expected a list, got nothing"):
        Tags.fit([["a"], None], missing="error")


def test_every_fault_is_reported_with_its_row_and_place():
    assert faults_of(Tags.fit([["a"]]), [["a", "x", 1, None], "a", None, ["a"], ["a"] * 1001, {}]) == [
        "0: 1: expected one of 'a', got 'x'",
        "0: 2: expected a string, got 1",
        "0: 3: expected a string, got nothing",
        "1: expected a list, got 'a'",
        "2: expected a list, got nothing",
        "4: expected a list of at most 1,000 items, got 1,001",
        "5: expected a list, got {}",
    ]
    assert faults_of(Tags.fit([[1], [2]]), [[1], [True, 2.0]]) == ["1: 0: expected a whole number, got True"]
    assert faults_of(Tags.fit([[1], None]), [[1, None], None]) == ["0: 1: expected a whole number, got nothing"]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "expected a value that comes 1 times"),
        ([[], None], {}, "expected a value that comes 1 times"),
        ([["a"], "b"], {}, "row 1: expected a list, got 'b'"),
        ([["a"], ["b", 1]], {}, "row 1: 1: expected a string, as the first is, got 1"),
        ([["a", None]], {}, "row 0: 1: expected a string, as the first is, got nothing"),
        ([["a"], ["a"], ["b"]], {"least_count": 2, "unknown": "error"}, "unknown must be 'bucket'"),
        ([["a"]], {"output": "onehot"}, "output: expected multihot or count"),
        ([list(range(1000)) for _ in range(1)] + [[1001]] * 10, {"least_count": 20}, "comes 20 times"),
        ([["a"] * 1001], {}, "row 0: expected a list of at most 1,000 items, got 1,001"),
        ([[start + number for number in range(1000)] for start in range(0, 11_000, 1000)], {}, "at most 10,000 tags"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(values, options, message):
    with pytest.raises(ValueError, match=message):
        Tags.fit(values, **options)


FITTED = [
    Tags(Vocabulary(values, missing, unknown), output)
    for values in (("b", "a"), (3, -1), (True, False))
    for missing in ("error", "bucket")
    for unknown in ("error", "bucket")
    for output in ("multihot", "count")
]


@pytest.mark.parametrize("fitted", FITTED, ids=str)
def test_state_survives_json(fitted):
    assert Tags.from_state(json.loads(json.dumps(fitted.to_state()))) == fitted


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(["a", "b", 3, -1.0, 2**63, "x" * 1001]), words),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(json_values)
def test_what_the_schema_allows_is_read_and_nothing_else(value):
    for encoder in FITTED:
        faults = Faults()
        encoder.read([value], faults)
        assert jsonschema_rs.is_valid(encoder.schema, value) == (not faults.count), encoder


@given(st.sampled_from(sorted(FITTED[0].to_state())), json_values)
def test_another_state_is_refused_or_can_be_used(name, value):
    try:
        encoder = Tags.from_state(FITTED[0].to_state() | {name: value})
    except (ValueError, TypeError):
        return
    json.dumps([encoder.schema, encoder.to_state()], allow_nan=False)
    assert encode(encoder, [[encoder.vocabulary.values[0]]]).any()


def test_tags_are_counted_for_drift():
    encoder = Tags.fit([["a", "b"], None], unknown="bucket")
    column = encoder.read([["a", "a", "x"], None, [], ["b"]], Faults())

    assert encoder.categories("topics") == {"topics": ("b", "a", "(other)", "(missing)")}
    measured = encoder.measured("topics", column, encoder.encode(column))
    assert measured.values.shape == (4, 0)
    assert measured.totals["topics"].tolist() == [1, 2, 1, 1]


def test_no_rows_make_no_block():
    assert encode(Tags.fit([["a", "b"]]), []).shape == (0, 2)
    assert encode(Tags.fit([["a", "b"]], output="count"), [[]]).tolist() == [[0, 0]]
