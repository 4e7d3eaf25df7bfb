import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract import TextVectorizer
from serving.contract.text import _MARK, tokenize
from serving.errors import InvalidField

RANKS = {"the": 1, "film": 2, "was": 3, "good": 4, "it's": 5, "rare": 6}
VECTORIZER = TextVectorizer.from_word_index(RANKS, num_words=9, length=8)


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
    apart = VECTORIZER.transform(["good film"])["ids"]

    assert np.array_equal(VECTORIZER.transform([f"good{between}film"])["ids"], apart)
    assert np.array_equal(VECTORIZER.transform([f"{between}Good{between}{between}film{between}"])["ids"], apart)
    assert tokenize(f"good{between}film") == ["good", "film"]
    assert VECTORIZER.measured([f"good{between}film"])[1].values.tolist() == [[2, 0]]


@pytest.mark.parametrize("apostrophe", "'\u2019\u2018\u201b\u02bc\xb4\uff07")
def test_an_apostrophe_between_letters_is_one_however_it_is_written(apostrophe):
    assert tokenize(f"It{apostrophe}s good") == ["it's", "good"]
    assert VECTORIZER.transform([f"It{apostrophe}s good"])["ids"].tolist() == [[1, 8, 7, 0, 0, 0, 0, 0]]


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
    words = TextVectorizer(("it\u2019s", "\u2013", "it", "s", "it's"), num_words=9, length=6)

    assert words.transform(["It\u2019s \u2013 it\u2013s"])["ids"].tolist() == [[1, 4, 5, 6, 7, 0]]


def test_a_vocabulary_fitted_here_has_the_same_words_as_texts_later():
    fitted = TextVectorizer.fit(["don\u2019t \u201cgo\u201d\r\nnow\u2026"], num_words=9, length=5)

    assert fitted.words == ("don't", "go", "now")
    assert fitted.transform(["don't go\u2014now"])["ids"].tolist() == [[1, 4, 5, 6, 0]]
    assert np.array_equal(fitted.transform(["don\u2019t\fgo\xa0now"])["ids"], fitted.transform(["don't go now"])["ids"])


@pytest.mark.parametrize(
    "text", ["good\rfilm", "good\vfilm", "good\xa0film", "good\u2013film", "good\ffilm \u201cit\u2019s"]
)
def test_a_contract_published_before_the_splitting_was_said_answers_as_it_did(text):
    state = VECTORIZER.to_state()
    del state["splitting"]
    published = TextVectorizer.from_state(state)

    assert published.splitting == "ascii"
    assert TextVectorizer.from_state(published.to_state()) == published
    assert published.transform([text])["ids"].tolist() == [[1, 0, 0, 0, 0, 0, 0, 0]]


def test_a_splitting_that_is_not_known_is_refused():
    state = VECTORIZER.to_state() | {"splitting": "klingon"}

    with pytest.raises(ValueError, match="splitting: expected ascii or unicode, got 'klingon'"):
        TextVectorizer.from_state(state)


def test_every_mark_splits_where_no_letter_follows():
    marks = [mark for mark in map(chr, range(0x80, 0x1FB00)) if _MARK.match(mark)]

    assert len(marks) > 3000
    assert {mark for mark in marks if tokenize(f"good{mark} film") != ["good", "film"]} == set()


def test_ids_are_rank_plus_three_after_the_start_and_before_padding():
    assert VECTORIZER.transform(["The film was good"])["ids"].tolist() == [[1, 4, 5, 6, 7, 0, 0, 0]]


def test_a_rare_word_is_id_two_and_a_word_training_never_saw_is_none():
    assert VECTORIZER.transform(["rare unseen good"])["ids"].tolist() == [[1, 2, 7, 0, 0, 0, 0, 0]]


def test_a_long_text_keeps_its_beginning():
    assert VECTORIZER.transform(["good " * 50])["ids"].tolist() == [[1, 7, 7, 7, 7, 7, 7, 7]]


def test_fit_ranks_by_frequency_then_by_spelling():
    fitted = TextVectorizer.fit(["b a b", "c a"], num_words=6, length=4)

    assert fitted.words == ("a", "b", "c")
    assert fitted.transform(["c b"])["ids"].tolist() == [[1, 2, 5, 0]]


@pytest.mark.parametrize("instance", [{}, {"text": None}, {"text": 3}, {"text": ""}, {"text": " \n"}, {"text": ["a"]}])
def test_an_instance_without_text_is_refused(instance):
    with pytest.raises(InvalidField, match="text: expected a string that is not empty"):
        VECTORIZER.decode(instance)


@given(st.lists(st.text()), st.text(min_size=1))
def test_any_text_gives_ids_within_the_vocabulary_and_state_survives_json(texts, text):
    fitted = TextVectorizer.fit(texts, num_words=20, length=10)
    again = TextVectorizer.from_state(json.loads(json.dumps(fitted.to_state())))

    assert again == fitted
    ids = fitted.transform([text])["ids"]
    assert ids.dtype == np.int32
    assert ids.shape == (1, 10)
    assert ids.min() >= 0
    assert ids.max() < 20
    assert np.array_equal(ids, again.transform([text])["ids"])
