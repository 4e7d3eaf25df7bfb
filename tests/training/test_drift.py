"""No false alarm on real test rows, and an alarm on rows from elsewhere: by inputs, and by scores of a quick model."""

import io
import json
import math

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from serving.contract import Answers, Measures, Reference
from serving.contract.heads import Value
from serving.contract.measuring import fit_reference, measure_inputs
from serving.monitoring.drift import Verdict, Window, report
from tests.training.data.test_datasets import DATA, in_cache, in_data
from training.data import datasets
from training.data.features import prepare
from training.data.photos import cats_and_dogs
from training.data.preprocessing import text_vectorizer
from training.task import find_task

WINDOWS = 20
TEXT_FILES = [f"{name}{part}" for name in ("imdb", "reuters") for part in (".npz", "_word_index.json")]


class Watched:
    """A reference of training rows' inputs, and the measures of each test row."""

    def __init__(self, record, train, test):
        unused = {"scores": np.zeros((1, 1), np.float32)}
        both = fit_reference(record, Answers.single(Value("")), train, unused)
        self.reference = Reference(both.columns[:-1], both.totals)
        self.record = record
        self.test = test

    def verdicts(self, instances):
        window = Window.of(self.reference, measure_inputs(self.record, instances))
        return {feature.feature: feature.verdict for feature in report(window)}

    def windows(self, size):
        """The verdicts of all features in random windows of the test rows."""
        random = np.random.default_rng(1)
        rows = [measure_inputs(self.record, [instance]) for instance in self.test]
        for _ in range(WINDOWS):
            chosen = [rows[row] for row in random.choice(len(rows), size, replace=False)]
            totals = {name: sum(row.totals[name] for row in chosen) for name in chosen[0].totals}
            window = Window.of(self.reference, Measures(np.vstack([row.values for row in chosen]), totals))
            yield from (feature.verdict for feature in report(window))


@pytest.fixture(scope="module")
def texts():
    data = {"sentiment": datasets.imdb(), "topic": datasets.reuters()}
    watched = {}
    for name, part in data.items():
        recipe = find_task(name).recipes["baseline"]
        vectorizer = text_vectorizer(part, part.train.instances, recipe)
        watched[name] = Watched(vectorizer, part.train.instances[::2], part.test.instances[::4])
    return watched


@pytest.fixture(scope="module")
def houses():
    data = datasets.boston_housing()
    scaler = find_task("house_price").fit(data, data.train.instances, find_task("house_price").recipes["baseline"])
    return data, Watched(scaler, data.train.instances, data.test.instances)


def watched_pictures(name, data):
    task = find_task(name)
    resizer = task.fit(data, data.train.instances, task.recipes["baseline"])
    step = max(1, len(data.train.instances) // 500)
    return Watched(
        resizer, data.train.instances[::step], data.test.instances[:: max(1, len(data.test.instances) // 250)]
    )


@in_cache(*TEXT_FILES)
@pytest.mark.parametrize("name", ["sentiment", "topic"])
def test_texts_of_the_test_rows_raise_no_alarm_and_those_of_another_domain_do(texts, name):
    assert {*texts[name].windows(200)} == {Verdict.STABLE}
    other = texts["topic" if name == "sentiment" else "sentiment"].test[:200]
    verdicts = texts[name].verdicts(other)
    assert verdicts["words"] == verdicts["unknown_ratio"] == Verdict.DRIFT
    assert verdicts["vocabulary"] in (Verdict.WATCH, Verdict.DRIFT)


@in_cache(*TEXT_FILES)
@pytest.mark.parametrize(("name", "file"), [("sentiment", "imdb"), ("topic", "reuters")])
def test_texts_as_people_wrote_them_are_no_drift_from_how_the_data_set_has_them(texts, name, file):
    path = DATA / f"{file}_raw_test_400.jsonl" if DATA else None
    if path is None or not path.exists():
        pytest.skip(f"no raw texts of {file}: set PLUMBLINE_DATA")
    with path.open(encoding="utf-8") as lines:
        raw = [{"text": json.loads(line)["text"]} for line in lines]
    assert {*texts[name].verdicts(raw).values()} == {Verdict.STABLE}


@in_cache("boston_housing.npz")
def test_houses_raise_no_alarm_and_small_windows_say_that_they_are(houses):
    _, watched = houses
    assert Verdict.DRIFT not in {*watched.windows(95)}
    assert {*watched.verdicts(watched.test).values()} == {Verdict.STABLE}
    assert watched.verdicts(watched.test[:40])["LSTAT"] == Verdict.TOO_FEW


@in_cache("boston_housing.npz")
def test_inflated_houses_raise_an_alarm_in_their_fields_and_in_the_value(houses):
    data, watched = houses
    inflated = [{**house, "TAX": house["TAX"] * 1.5, "LSTAT": house["LSTAT"] * 2} for house in watched.test]
    verdicts = watched.verdicts(inflated)
    assert {name for name, verdict in verdicts.items() if verdict == Verdict.DRIFT} == {"TAX", "LSTAT"}

    def features(instances):
        return prepare(watched.record, instances)["features"]

    weights, *_ = np.linalg.lstsq(features(data.train.instances), data.train.targets - 22.5, rcond=None)
    values = (features(data.test.instances) @ weights + 22.5).astype(np.float32)[:, None]
    reference = Reference.fit(["value"], Value("").measured("", values), {})
    assert _only(reference, values[:95]) == Verdict.STABLE
    assert _only(reference, values * 1.6) == Verdict.DRIFT
    assert _only(reference, (features(inflated) @ weights + 22.5)[:, None]) != Verdict.STABLE


def _only(reference, values):
    (feature,) = report(Window.of(reference, Measures(values.astype(np.float64), {})))
    assert math.isfinite(feature.chance)
    return feature.verdict


@in_data("cats_and_dogs")
def test_photos_raise_no_alarm_and_darkened_or_shrunken_ones_do():
    watched = watched_pictures("image", cats_and_dogs(DATA))
    assert {*watched.windows(200)} == {Verdict.STABLE}
    dark = [_changed(photo, lambda it: ImageEnhance.Brightness(it).enhance(0.5)) for photo in watched.test[:150]]
    verdicts = watched.verdicts(dark)
    assert (verdicts["brightness"], verdicts["pixels"]) == (Verdict.DRIFT, Verdict.STABLE)
    small = [_changed(photo, lambda it: it.resize((it.width // 2, it.height // 2))) for photo in watched.test[:150]]
    assert watched.verdicts(small)["pixels"] == Verdict.DRIFT


@in_data("mnist.npz")
def test_digits_raise_no_alarm_and_inverted_ones_do():
    watched = watched_pictures("digits", datasets.mnist(DATA))
    assert {*watched.windows(200)} == {Verdict.STABLE}
    inverted = [_changed(digit, lambda it: it.point(lambda shade: 255 - shade)) for digit in watched.test[:150]]
    assert watched.verdicts(inverted)["brightness"] == Verdict.DRIFT


def _changed(instance, change):
    with Image.open(io.BytesIO(instance["image"])) as image:
        file = io.BytesIO()
        change(image).save(file, "PNG")
    return {"image": file.getvalue()}
