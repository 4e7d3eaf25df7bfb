import time
import unicodedata

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.contract.encoders.tokenizers.unicode_splitting import _BEYOND_LETTERS, _SIMPLE_WORD, _any_word, split
from serving.contract.encoders.tokenizers.unicode_words import UnicodeWords

TABLE = [
    ("DER FILM WAR SCH\xd6N", "der|film|war|sch\xf6n"),
    ("Der Film war sch\xf6n.", "der|film|war|sch\xf6n"),
    ("Stra\xdfe STRASSE", "strasse|strasse"),
    (
        "\u03a3\u039f\u03a6\u039f\u03a3 \u03c3\u03bf\u03c6\u03cc\u03c2",
        "\u03c3\u03bf\u03c6\u03bf\u03c3|\u03c3\u03bf\u03c6\u03cc\u03c3",
    ),
    (
        "\u041f\u0440\u0438\u0432\u0435\u0442, \u041c\u0418\u0420!",
        "\u043f\u0440\u0438\u0432\u0435\u0442|\u043c\u0438\u0440",
    ),
    ("It\u2019s it's \u2018quoted\u2019", "it's|it's|quoted"),
    ("3.14, or 1,000.5! z.B. a,b", "3.14|or|1,000.5|z|b|a|b"),
    ("foo_bar user@mail.example", "foo_bar|user|mail|example"),
    ("na\xefve\u2014dash\u2026end", "na\xefve|dash|end"),
    ("Donau\xaddampf\ufeffschiff", "donaudampfschiff"),
    ("cafe\u0301 CAF\xc9", "caf\xe9|caf\xe9"),
    (
        "\u6211\u559c\u6b22\u8fd9\u90e8\u7535\u5f71\u30022024\u5e743\u6708",
        "\u6211|\u559c|\u6b22|\u8fd9|\u90e8|\u7535|\u5f71|2024|\u5e74|3|\u6708",
    ),
    ("\U00020000\u4e00", "\U00020000|\u4e00"),
    (
        "\u30b3\u30f3\u30d4\u30e5\u30fc\u30bf\u3092\u8cb7\u3044",
        "\u30b3\u30f3\u30d4\u30e5\u30fc\u30bf|\u3092|\u8cb7|\u3044",
    ),
    ("Web\u30b5\u30a4\u30c8", "web|\u30b5\u30a4\u30c8"),
    ("\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48 100", "\u0e17\u0e35\u0e48|\u0e19\u0e35\u0e48|100"),
    ("\ud55c\uad6d\uc5b4 \uc601\ud654\uac00", "\ud55c\uad6d\uc5b4|\uc601\ud654\uac00"),
    (
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902",
        "\u0939\u093f\u0928\u094d\u0926\u0940|\u092e\u0947\u0902",
    ),
    ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
    ("good\U0001f600\u2764\ufe0ffilm", "good|\U0001f600|\u2764|film"),
    ("x\u0302y", "x\u0302y"),
    ("a \ud800 b", "a|b"),
    ("... --- !!!", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "words"), TABLE, ids=range(len(TABLE)))
def test_words_of_many_languages(text, words):
    assert split(text) == (words.split("|") if words else [])


@settings(deadline=None)
@given(st.text())
def test_texts_that_are_canonically_the_same_have_the_same_words(text):
    assert split(unicodedata.normalize("NFD", text)) == split(text)


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0x2FF)))
def test_case_makes_no_difference(text):
    folding = [letter for letter in text if letter.upper().casefold() == letter.casefold()]

    assert split("".join(folding).upper()) == split("".join(folding))


@settings(deadline=None)
@given(st.text(), st.text())
def test_a_space_always_splits(first, second):
    assert split(f"{first} {second}") == split(first) + split(second)


@settings(deadline=None)
@given(st.text())
def test_no_word_is_empty_or_has_a_blank(text):
    assert all(word and not any(map(str.isspace, word)) for word in split(text))


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0x2FFF)))
def test_the_pattern_for_most_texts_of_europe_finds_what_the_general_one_does(text):
    if not _BEYOND_LETTERS.search(text):
        assert _SIMPLE_WORD.findall(text) == _any_word().findall(text)


@given(st.text(st.characters(max_codepoint=0x7F)) | st.text("aB1_.,' -\x1c\n"))
def test_ascii_is_split_as_the_general_pattern_does(text):
    assert split(text) == _any_word().findall(text.lower())


@pytest.mark.parametrize("text", ["\u0301\u0316" * 100_000, "a\u0316\u0301", "a'" * 100_000, "1.1," * 50_000 + "\xe9"])
def test_no_text_takes_long(text):
    started = time.process_time()
    split(text)

    assert time.process_time() - started < 5  # the marks alone took minutes


@pytest.fixture(scope="module")
def keras_ids():
    """Return a function that has Keras look up the words of texts, split already."""
    layer = keras.layers.TextVectorization(
        standardize=None, split="whitespace", output_sequence_length=5, vocabulary=list(FITTED.words)
    )
    return lambda texts: np.asarray(layer(np.array(texts, object))).tolist()


FITTED = UnicodeWords.fit(["a b c", "b \xe9", "\u4e00 ab"], num_words=6)


@settings(deadline=None, max_examples=30)
@given(texts=st.lists(st.text("ab c\xe9\u4e00", max_size=20), min_size=1, max_size=5))
def test_ids_are_those_of_keras(keras_ids, texts):
    column = [list(FITTED.read(text, 5, "beginning")[0]) for text in texts]

    assert [ids + [0] * (5 - len(ids)) for ids in column] == keras_ids([" ".join(split(text)) for text in texts])


def test_fit_takes_the_most_frequent_words():
    fitted = UnicodeWords.fit(["b A b", "c a"], num_words=4)

    assert fitted.words == ("a", "b")
    assert fitted.size == 4
    assert fitted.read("C, B? a!", 9, "beginning") == ([1, 3, 2], 3, 2)
    assert fitted.read("C, B? a!", 2, "end") == ([3, 2], 3, 2)


@pytest.mark.parametrize("words", [("a", "a"), ("",), ("a b",)])
def test_words_that_no_state_could_hold_are_refused(words):
    with pytest.raises(ValueError, match="expected tokens that are not empty"):
        UnicodeWords(words)
