import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract.encoders.text import Text
from serving.contract.encoders.tokenizers.keras_splitting import _MARK, tokenize
from serving.contract.encoders.tokenizers.keras_words import KerasWords
from tests.serving.contract.encoders.reading import encode, faults_of

RANKS = {"the": 1, "film": 2, "was": 3, "good": 4, "it's": 5, "rare": 6}
TEXT = Text(KerasWords.from_word_index(RANKS, num_words=9), 8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The film, it's GOOD!", ["the", "film", "it's", "good"]),
        ("a<br />b", ["a", "br", "b"]),
        ("tab\tand\nline", ["tab", "and", "line"]),
        ("re-entry", ["re", "entry"]),
        ("ÉCOLE x", ["École", "x"]),  # only ASCII is lower-cased
        ("", []),
    ],
)
@pytest.mark.parametrize("splitting", ["ascii", "unicode"])
def test_tokens_are_those_of_the_keras_data_sets(text, words, splitting):
    assert tokenize(text, splitting) == words


@pytest.mark.parametrize(
    "between",
    [
        *("\n", "\r\n", "\r", "\v", "\f", "\0", "\x1c", "\x1f", "\x7f"),
        *("\xa0", "\u1680", "\u2003", "\u2009", "\u200b", "\u2028", "\u2029", "\u202f", "\u3000", "\ufeff"),
        *("\u2010", "\u2013", " \u2013 ", "\u2014", "\u2015", "\u2212", "\u2026", "\u2022", "\xb7"),
        *("\u201d", "\u201c", "\u201e", "\xab", "\xbb", "\u2039", "\u2019 ", " \u2018", "\xbf", "\xa1"),
        *("\uff0c", "\u3002", "\U0001f600", "\u2764\ufe0f", "\u20ac"),
    ],
)
def test_whatever_separates_words_splits_them(between):
    apart = encode(TEXT, ["good film"])

    assert np.array_equal(encode(TEXT, [f"good{between}film"]), apart)
    assert np.array_equal(encode(TEXT, [f"{between}Good{between}{between}film{between}"]), apart)
    assert tokenize(f"good{between}film") == ["good", "film"]
    assert TEXT.tokenizer.read(f"good{between}film", 8, "beginning") == ([1, 7, 5], 2, 2)


@pytest.mark.parametrize("apostrophe", "'\u2019\u2018\u201b\u02bc\xb4\uff07")
def test_an_apostrophe_between_letters_is_one_however_it_is_written(apostrophe):
    assert tokenize(f"It{apostrophe}s good") == ["it's", "good"]
    assert encode(TEXT, [f"It{apostrophe}s good"]).tolist() == [[1, 8, 7, 0, 0, 0, 0, 0]]


def test_curly_quotes_around_a_word_are_none_of_it():
    assert tokenize("the \u2018good\u2019 film\u2019s \u201cend\u201d") == ["the", "good", "film's", "end"]


@pytest.mark.parametrize(
    "word",
    [
        "cliche\u0301",
        "\u0939\u093f\u0928\u094d\u0926\u0940",
        "\u0645\u06cc\u200c\u062e",
        "paint\x85",
        "na\xefve",
        "\u6620\u753b",
    ],
)
def test_what_is_part_of_a_word_does_not_split_it(word):
    assert tokenize(f"a {word} b") == ["a", word, "b"]


def test_a_word_that_the_vocabulary_has_is_left_whole():
    words = Text(KerasWords(("it\u2019s", "\u2013", "it", "s", "it's"), num_words=9), 6)

    assert encode(words, ["It\u2019s \u2013 it\u2013s"]).tolist() == [[1, 4, 5, 6, 7, 0]]


def test_a_vocabulary_fitted_here_has_the_same_words_as_texts_later():
    fitted = Text(KerasWords.fit(["don\u2019t \u201cgo\u201d\r\nnow\u2026"], num_words=9), 5)

    assert fitted.tokenizer.words == ("don't", "go", "now")
    assert encode(fitted, ["don't go\u2014now"]).tolist() == [[1, 4, 5, 6, 0]]
    assert np.array_equal(encode(fitted, ["don\u2019t\fgo\xa0now"]), encode(fitted, ["don't go now"]))


@pytest.mark.parametrize(
    "text", ["good\rfilm", "good\vfilm", "good\xa0film", "good\u2013film", "good\ffilm \u201cit\u2019s"]
)
def test_ascii_splitting_leaves_whole_what_it_did_before_unicode(text):
    published = Text(KerasWords(TEXT.tokenizer.words, 9, splitting="ascii"), 8)

    assert Text.from_state(published.to_state()) == published
    assert encode(published, [text]).tolist() == [[1, 0, 0, 0, 0, 0, 0, 0]]


def test_a_splitting_that_is_not_known_is_refused():
    state = TEXT.tokenizer.to_state() | {"splitting": "klingon"}

    with pytest.raises(ValueError, match="splitting: expected one of ascii, unicode, got 'klingon'"):
        KerasWords.from_state(state)


def test_every_mark_splits_where_no_letter_follows():
    marks = [mark for mark in map(chr, range(0x80, 0x1FB00)) if _MARK.match(mark)]

    assert len(marks) > 3000
    assert {mark for mark in marks if tokenize(f"good{mark} film") != ["good", "film"]} == set()


def test_ids_are_rank_plus_three_after_the_start_and_before_padding():
    assert encode(TEXT, ["The film was good"]).tolist() == [[1, 4, 5, 6, 7, 0, 0, 0]]


def test_a_rare_word_is_id_two_and_a_word_training_never_saw_is_none():
    assert encode(TEXT, ["rare unseen good"]).tolist() == [[1, 2, 7, 0, 0, 0, 0, 0]]


def test_a_long_text_keeps_its_beginning():
    assert encode(TEXT, ["good " * 50]).tolist() == [[1, 7, 7, 7, 7, 7, 7, 7]]


def test_fit_ranks_by_frequency_then_by_spelling():
    fitted = Text(KerasWords.fit(["b a b", "c a"], num_words=6), 4)

    assert fitted.tokenizer.words == ("a", "b", "c")
    assert encode(fitted, ["c b"]).tolist() == [[1, 2, 5, 0]]


@pytest.mark.parametrize("value", [None, 3, "", " \n", ["a"]])
def test_an_instance_without_text_is_refused(value):
    (fault,) = faults_of(TEXT, [value])
    assert fault.startswith("0: expected a string that is not empty")


@given(st.lists(st.text()), st.text(min_size=1))
def test_any_text_gives_ids_within_the_vocabulary_and_state_survives_json(texts, text):
    fitted = Text(KerasWords.fit(texts, num_words=20), 10)
    again = Text.from_state(json.loads(json.dumps(fitted.to_state())))

    assert again == fitted
    if not text.strip(" \t\n\r"):
        return
    ids = encode(fitted, [text])
    assert ids.dtype == np.int32
    assert ids.shape == (1, 10)
    assert ids.min() >= 0
    assert ids.max() < 20
    assert np.array_equal(ids, encode(again, [text]))
