import unicodedata
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from serving.contract.encoders.tokenizers.hashed_ngrams import HashedNgrams

SIZES = st.tuples(st.integers(1, 4), st.integers(0, 3)).map(lambda it: (it[0], it[0] + it[1]))


def hashed(grams, buckets):
    return [1 + crc32(gram.encode()) % buckets for gram in grams]


def test_ngrams_follow_each_other_by_where_they_begin():
    tokenizer = HashedNgrams(1, 2, 1000)
    grams = [" ", " a", "a", "ab", "b", "b ", " "]

    assert tokenizer.read("\tAB \n", 99, "beginning") == (hashed(grams, 1000), 7, 7)
    assert tokenizer.read("AB", 3, "beginning") == (hashed(grams[:3], 1000), 7, 7)
    assert tokenizer.read("AB", 3, "end") == (hashed(grams[-3:], 1000), 7, 7)


def test_hashes_never_change():
    assert HashedNgrams(2, 3, 1000).read("sch\xf6n", 99, "beginning")[0] == EXPECTED


EXPECTED = [532, 494, 441, 622, 34, 70, 143, 305, 939, 176, 327]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), SIZES)
def test_ngrams_are_those_of_scikit_learn(text, sizes):
    tokenizer = HashedNgrams(*sizes, 1000, fold=False)
    ids, count, _ = tokenizer.read(text, 10_000, "beginning")
    spaced = " ".join(text.split())
    analyzer = CountVectorizer(analyzer="char", ngram_range=sizes, lowercase=False).build_analyzer()

    grams = analyzer(f" {unicodedata.normalize('NFC', spaced)} ") if spaced else []
    assert sorted(ids) == sorted(hashed(grams, 1000))
    assert count == len(grams)


@settings(deadline=None)
@given(st.text(), SIZES, st.integers(1, 30))
def test_what_is_kept_is_the_beginning_or_the_end_of_all(text, sizes, length):
    tokenizer = HashedNgrams(*sizes, 50)
    whole = list(tokenizer.read(text, 10_000, "beginning")[0])

    assert list(tokenizer.read(text, length, "beginning")[0]) == whole[:length]
    assert list(tokenizer.read(text, length, "end")[0]) == whole[-length:]
    assert list(tokenizer.read(text, 10_000, "end")[0]) == whole
    assert all(0 < number < tokenizer.size for number in whole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shortest": 0}, "shortest: expected 1 to 5, got 0"),
        ({"shortest": 6}, "shortest: expected 1 to 5, got 6"),
        ({"longest": 99}, "longest: expected 1 to 20"),
        ({"buckets": 0}, "buckets: expected 1 to"),
        ({"buckets": "9"}, "buckets: expected a whole number"),
        ({"fold": None}, "fold: expected true or false"),
    ],
)
def test_a_state_that_is_another_is_refused(change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        HashedNgrams.from_state(HashedNgrams().to_state() | change)
