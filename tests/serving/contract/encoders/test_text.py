import math

import numpy as np
import pytest
from hypothesis import strategies as st

from serving.contract.encoders.text import Text
from serving.contract.encoders.tokenizers.keras_words import KerasWords
from serving.contract.faults import Faults
from serving.contract.instance_limits import InstanceLimits
from serving.errors import ContractError

RANKS = {"the": 1, "film": 2, "was": 3, "good": 4, "it's": 5, "rare": 6}
WORDS = KerasWords.from_word_index(RANKS, num_words=9)
TEXT = Text(WORDS, 8)

PIECES = st.sampled_from(
    [
        *RANKS,
        "THE",
        "it\u2019s",
        "na\xefve",
        "ÉCOLE",
        "\u6620\u753b",
        "\ud800",
        "\x85",
        "\u200b",
        "\u2014",
        "\u2026",
        "\x1c",
        ".",
        "😀",
        "\r",
        "  ",
    ]
)
TEXTS = st.text() | st.lists(PIECES, max_size=30).map(" ".join) | st.lists(PIECES, max_size=30).map("".join)


def read(encoder, values):
    faults = Faults()
    column = encoder.read(values, faults)
    assert faults.count == 0, faults.first
    return column


def block(encoder, *values):
    return encoder.encode(read(encoder, values))


def problems(encoder, values):
    faults = Faults()
    encoder.read(values, faults)
    return [(fault.row, str(fault)) for fault in faults.first]


def test_the_schema_says_what_a_text_may_be():
    assert TEXT.limited(LIMITS).schema == {
        "type": "string",
        "minLength": 1,
        "maxLength": 10,
        "pattern": "[^ \\t\\n\\r]",
        "description": "a text that is not empty",
    }


LIMITS = InstanceLimits(text_characters=10, image_pixels=1, image_bytes=1)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "expected a string that is not empty, got nothing"),
        (7, "expected a string that is not empty, got 7"),
        (["a"], "expected a string that is not empty, got ['a']"),
        ("", "expected a string that is not empty, got ''"),
        (" \n", "expected a string that is not empty, got ' \\n'"),
        ("x" * 11, "expected at most 10 characters, got 11"),
    ],
)
def test_what_is_no_text_is_refused_with_its_row(value, problem):
    assert problems(TEXT.limited(LIMITS), ["good", value, "film"]) == [(1, problem)]


def test_every_fault_of_a_column_is_reported_with_its_row():
    assert problems(TEXT.limited(LIMITS), [None, "good", 3, "", "good " * 9]) == [
        (0, "expected a string that is not empty, got nothing"),
        (2, "expected a string that is not empty, got 3"),
        (3, "expected a string that is not empty, got ''"),
        (4, "expected at most 10 characters, got 45"),
    ]


def test_a_missing_text_is_empty_where_the_encoder_says_so():
    optional = Text(WORDS, 3, missing="empty")
    column = read(optional, [None, "", " ", "good"])
    ids = optional.encode(column)

    assert ids.tolist() == [[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 7, 0]]
    assert optional.optional
    assert optional.schema["type"] == ["string", "null"]
    words = optional.measured("text", column, ids).values[:, 0].tolist()
    assert math.isnan(words[0])
    assert words[1:] == [0, 0, 1]
    assert problems(optional, [None, 3]) == [(1, "expected a string, got 3")]


def test_a_long_text_keeps_its_beginning_or_its_end():
    assert block(Text(WORDS, 3), "the film was good").tolist() == [[1, 4, 5]]
    assert block(Text(WORDS, 3, "end"), "the film was good").tolist() == [[5, 6, 7]]


def test_measures_are_named_for_their_field():
    assert TEXT.measures("review") == ("review_words", "review_unknown_ratio")
    assert list(TEXT.categories("review")) == ["review_vocabulary"]
    column = TEXT.read([], Faults())
    assert list(TEXT.measured("review", column, TEXT.encode(column)).totals) == ["review_vocabulary"]


def test_fit_learns_whether_texts_may_be_missing():
    assert Text.fit(["a", "b"], length=2, tokenizer="keras").missing == "error"
    assert Text.fit(["a", None], length=2, tokenizer="keras").missing == "empty"
    assert Text.fit(np.array(["a", math.nan], object), length=2, tokenizer="keras").missing == "empty"
    assert Text.fit(["a", "b"], length=2, tokenizer="keras", missing="empty").missing == "empty"
    with pytest.raises(ValueError, match="row 1: expected a string that is not empty, got nothing, and 1 more"):
        Text.fit(["a", None, " "], length=2, tokenizer="keras", missing="error")
    with pytest.raises(ValueError, match="row 1: expected a string that is not empty, got 3"):
        Text.fit(["a", 3], length=2, tokenizer="keras")


def test_fit_takes_a_length_that_leaves_nearly_all_texts_whole():
    texts = ["good"] * 95 + ["good film"] * 4 + ["good " * 500]

    assert Text.fit(texts, tokenizer="keras").length == 3  # the start, and two words
    assert Text.fit(["good " * 5000], tokenizer="keras").length == 1000
    assert Text.fit([], tokenizer="keras").length == 1


def test_options_and_tokenizers_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match=r"tokenizer: expected one of keras.*, got 'klingon'"):
        Text.fit(["a"], tokenizer="klingon")
    with pytest.raises(ValueError, match="tokenizer keras: expected options among num_words, got 'nun_words'"):
        Text.fit(["a"], tokenizer="keras", nun_words=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": 0}, "length: expected 1 to"),
        ({"length": "8"}, "length: expected a whole number, got '8'"),
        ({"length": True}, "length: expected a whole number, got True"),
        ({"keep": "middle"}, "keep: expected one of beginning, end, got 'middle'"),
        ({"missing": None}, "missing: expected one of error, empty, got nothing"),
        ({"tokenizer": None}, "tokenizer: expected an object, got nothing"),
        ({"tokenizer": {}}, "^/tokenizer/kind: expected a text, got nothing"),
        ({"tokenizer": TEXT.to_state()["tokenizer"] | {"words": 3}}, "^/tokenizer/words: expected a text"),
        ({"tokenizer": TEXT.to_state()["tokenizer"] | {"num_words": 2}}, "num_words: expected 3 to"),
        ({"tokenizer": TEXT.to_state()["tokenizer"] | {"num_words": 1e4}}, "num_words: expected a whole number"),
        ({"tokenizer": TEXT.to_state()["tokenizer"] | {"splitting": "x"}}, "splitting: expected one of ascii, unicode"),
    ],
)
def test_a_state_that_is_another_is_refused(change, message):
    with pytest.raises((ValueError, ContractError), match=message):
        Text.from_state(TEXT.to_state() | change)


def test_a_tokenizer_of_a_later_release_is_refused_in_words():
    with pytest.raises(ContractError, match=r"unknown tokenizer kind 'klingon'.*update this installation"):
        Text.from_state(TEXT.to_state() | {"tokenizer": {"kind": "klingon"}})
