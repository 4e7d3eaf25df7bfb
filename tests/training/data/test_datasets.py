"""The real data sets, where they are at hand: in Keras's cache (KERAS_HOME) or a local copy (PLUMBLINE_DATA)."""

import dataclasses
import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from serving.contract import Record
from serving.contract.encoders import Text
from serving.contract.encoders.tokenizers.keras_splitting import tokenize
from serving.contract.encoders.tokenizers.keras_words import KerasWords
from serving.contract.faults import Faults
from training.data import datasets
from training.data.samples import reviews
from training.errors import DataUnavailable

CACHE = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
DATA = Path(os.environ["PLUMBLINE_DATA"]) if "PLUMBLINE_DATA" in os.environ else None


def in_cache(*names):
    missing = [name for name in names if not (CACHE / "datasets" / name).exists()]
    return pytest.mark.skipif(bool(missing), reason=f"Keras's cache has no {', '.join(missing)}: set KERAS_HOME")


def in_data(name):
    there = DATA is not None and (DATA / name).exists()
    return pytest.mark.skipif(not there, reason=f"no local copy of {name}: set PLUMBLINE_DATA")


TEXTS = [pytest.param(name, marks=in_cache(f"{name}.npz", f"{name}_word_index.json")) for name in ("imdb", "reuters")]


def published_record(name):
    """A record of all published words."""
    ranks = getattr(keras.datasets, name).get_word_index()
    return record_of(ranks, len(ranks) + 4)


def record_of(ranks, num_words):
    return Record.single("text", Text(KerasWords.from_word_index(ranks, num_words=num_words), 3000), "ids")


def ids_of(record, texts):
    return record.encode(record.read([{"text": text} for text in texts], Faults()))["ids"]


@pytest.mark.parametrize("name", TEXTS)
def test_text_gives_the_ids_that_the_data_set_was_made_with(name):
    module = getattr(keras.datasets, name)
    expected = module.load_data(num_words=10_000)[1][0][:500]
    data = getattr(datasets, name)()
    record = record_of(data.word_ranks, 10_000)

    got = ids_of(record, [instance["text"] for instance in data.test.instances[:500]])
    for row, ids in zip(got, expected, strict=True):
        assert row[: len(ids)].tolist() == ids
        assert not row[len(ids) :].any()


@pytest.mark.parametrize("name", TEXTS)
def test_raw_text_as_people_wrote_it_gives_exactly_the_published_rows(name):
    path = DATA / f"{name}_raw_test_400.jsonl" if DATA else None
    if path is None or not path.exists():
        pytest.skip(f"no raw texts of {name}: set PLUMBLINE_DATA")
    with np.load(CACHE / "datasets" / f"{name}.npz", allow_pickle=True) as arrays:  # Keras checks the file's hash
        published = arrays["x_test" if name == "imdb" else "x"]
    record = published_record(name)
    with path.open(encoding="utf-8") as lines:
        raw = [json.loads(line) for line in lines]

    assert len(raw) == 400
    for row, ids in zip(raw, ids_of(record, [row["text"] for row in raw]), strict=True):
        ranks = published[row["npz_index"]]
        assert np.trim_zeros(ids, "b").tolist() == [1, *(rank + 3 for rank in ranks)]


@pytest.mark.parametrize("name", TEXTS)
def test_each_published_word_is_that_word_whatever_marks_it_has(name):
    ranks = getattr(keras.datasets, name).get_word_index()
    words = [word for word in ranks if word != "?"]  # in one word of Reuters: a place where a letter was lost
    ids = ids_of(published_record(name), [f"\t{word}\r\n" for word in words])

    assert ids[:, :3].tolist() == [[1, ranks[word] + 3, 0] for word in words]


PUBLISHED_WITH = {
    # of IMDB's words, so many have the character: there it can't split, and in words that IMDB lacks it does
    **{"\xa0": 6, "\xa1": 24, "\xab": 16, "\xb4": 76, "\xb7": 1, "\xbb": 17, "\xbf": 3},
    **{"\u2013": 1, "\u2018": 7, "\u2019": 88, "\u201c": 24, "\u201d": 25, "\u2026": 5, "\u20a4": 2},
    # of these, raw texts show that words with them are left whole, known or not: they split nowhere
    **{"\x85": 509, "\x91": 53, "\x96": 32, "\x97": 223},
    **{"\x08": 1, "\x10": 1, "\xad": 1},
    # none of IMDB's words has these: they split everywhere
    **dict.fromkeys("\r\v\f\x00\x1c\x1f\x7f\u2003\u2014\u2028\u3000\u201e\U0001f600", 0),
}


@in_cache("imdb_word_index.json", "reuters_word_index.json")
def test_what_splits_follows_from_what_the_published_words_have():
    imdb, reuters = (getattr(keras.datasets, name).get_word_index() for name in ("imdb", "reuters"))

    assert {mark: sum(mark in word for word in imdb) for mark in PUBLISHED_WITH} == PUBLISHED_WITH
    assert not any(mark in word for mark in PUBLISHED_WITH for word in reuters)
    split = {mark for mark in PUBLISHED_WITH if "x" in tokenize(f"x{mark} y", known=imdb)}
    assert set(PUBLISHED_WITH) - split == set("\x85\x91\x96\x97\x08\x10\xad")


@in_cache("boston_housing.npz")
def test_houses_have_thirteen_named_numbers():
    data = datasets.boston_housing()

    assert (len(data.train.targets), len(data.test.targets)) == (404, 102)
    assert tuple(data.train.instances[0]) == datasets.HOUSE_FIELDS
    assert data.train.instances[0]["CRIM"] == pytest.approx(1.23247)


def parts(rows, fields):
    """What Keras gives of a table: two parts of rows and targets."""
    return [(np.arange(rows * fields, dtype=float).reshape(rows, fields), np.full(rows, 452_600.0))] * 2


def test_who_uses_a_model_of_boston_is_told_that_a_column_encodes_race(monkeypatch):
    monkeypatch.setattr(datasets, "download", lambda name, load: parts(3, 13))

    (note,) = datasets.boston_housing().notes
    assert "column B" in note
    assert "race" in note


def test_california_has_eight_named_numbers_and_prices_in_thousands(monkeypatch):
    monkeypatch.setattr(datasets, "download", lambda name, load: parts(3, 8))
    data = datasets.california_housing()

    assert data.name == "california_housing"
    assert data.train.instances[1] == dict(zip(datasets.DISTRICT_FIELDS, map(float, range(8, 16)), strict=True))
    assert data.test.targets == pytest.approx([452.6] * 3)
    assert data.notes == ()


@in_cache("california_housing.npz")
def test_districts_of_california_are_as_keras_has_them():
    data = datasets.california_housing()

    assert (len(data.train.targets), len(data.test.targets)) == (16_512, 4_128)
    income = [instance["MedInc"] for instance in data.train.instances]
    assert 0 < min(income) < max(income) < 20
    assert 10 < data.train.targets.min() < data.train.targets.max() < 501


@in_data("mnist.npz")
def test_digits_survive_being_encoded():
    data = datasets.mnist(DATA)
    with np.load(DATA / "mnist.npz") as arrays:
        first = arrays["x_test"][0]

    assert (len(data.train.targets), len(data.test.targets)) == (60_000, 10_000)
    assert data.test.instances[0] == {"image": datasets.png(first)}


def test_what_can_not_be_downloaded_is_named():
    def fail():
        raise Exception("URL fetch failure")

    with pytest.raises(DataUnavailable, match="imdb is not in KERAS_HOME, and can't be downloaded: URL fetch"):
        datasets.download("imdb", fail)


def test_the_fingerprint_changes_with_any_instance_or_target():
    data = reviews()
    other = dataclasses.replace(data, train=dataclasses.replace(data.train, targets=1 - data.train.targets))

    assert data.sha256() != other.sha256()
    assert data.sha256() != dataclasses.replace(data, test=data.train).sha256()
