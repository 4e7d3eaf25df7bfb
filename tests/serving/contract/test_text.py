import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract import TextVectorizer
from serving.contract.text import tokenize
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
        ("ÉCOLE \xa0x", ["École", "\xa0x"]),  # only ASCII is lower-cased, only spaces split
        ("", []),
    ],
)
def test_tokens_are_those_of_the_keras_data_sets(text, words):
    assert tokenize(text) == words


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
