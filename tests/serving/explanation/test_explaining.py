import time

import numpy as np
import pytest

from serving.contract.encoders import Picture
from serving.errors import InvalidExplanation, InvalidInstance, ModelServerError, ModelServerTimeout
from serving.explanation import Question, explain
from tests.serving.explanation.models import explained, id_of, pictures, png, runs, table, texts

LONG = "the film was a very good story and the plot was not a very good one i was there"


def has(word):
    """A model to which one word is all that counts."""
    return lambda ids: np.where((ids == id_of(word)).any(axis=1, keepdims=True), 0.9, 0.2)


@pytest.mark.parametrize("method", ["shapley", "occlusion"])
def test_the_one_word_that_decides_carries_the_whole_score(method):
    found = explained(texts(), has("awful"), {"text": f"{LONG}, awful! {LONG}"}, method=method)

    (word,) = found.strongest(3)
    assert word.place == {"start": 81, "end": 87, "text": "awful!"}
    assert word.contribution == pytest.approx(0.7)
    assert (found.score, found.base, found.sum, found.gap) == pytest.approx((0.9, 0.2, 0.9, 0.0))


def test_words_that_only_decide_together_share_the_score():
    def both(ids):
        return 0.5 + 0.4 * np.all([(ids == id_of(word)).any(axis=1) for word in ("not", "good")], axis=0)[:, None]

    found = explained(texts(), both, {"text": "the film was not very good"})

    assert [(part.place["text"], part.contribution) for part in found.strongest(3)] == [
        ("not", pytest.approx(0.2)),
        ("good", pytest.approx(0.2)),
    ]
    assert found.exact


def test_the_column_that_decides_is_named_beside_what_stands_for_it():
    found = explained(table(12), lambda x: 3 * x[:, 4:5], {f"x{place}": 2.0 for place in range(12)})

    (column,) = found.strongest(3)
    median = column.place["reference"]
    assert (column.field, column.place["value"]) == ("x4", 2.0)
    assert abs(median) < 0.1
    assert column.contribution == pytest.approx(3 * (2.0 - median))
    assert found.to_json()["unit"] == "USD"


@pytest.mark.parametrize("framing", ["squeeze", "crop", "pad"])
def test_the_patch_that_decides_is_found_where_it_is_in_the_picture(framing):
    pixels = np.full((120, 160, 3), 30, np.uint8)
    pixels[72:78, 74:82] = 250
    contract = pictures(Picture(28, 28, framing=framing, background=0))

    found = explained(contract, lambda x: 0.1 + 0.8 * (x.max(axis=1, keepdims=True) > 150) * 1, {"image": png(pixels)})

    left, top, right, bottom = found.strongest(1)[0].place["box"]
    assert found.to_json()["pictures"] == [{"field": "image", "width": 160, "height": 120}]
    assert (left <= 78 <= right, top <= 75 <= bottom) == (True, True)
    assert (right - left) * (bottom - top) < 160 * 120 / 25
    assert found.strongest(1)[0].contribution > 0.5


def test_of_permutations_the_sum_is_the_score_and_errors_are_told():
    weights = np.linspace(-1, 1, 30)

    def bent(x):
        return np.tanh(x @ weights)[:, None]

    found = explained(table(30), bent, {f"x{place}": (-1.0) ** place for place in range(30)})

    assert (found.exact, found.complete, found.gap) == (False, True, 0.0)
    assert found.evaluations <= 512
    assert found.stability > 0.9
    assert all(0 < part.error < 0.1 for part in found.parts)


def test_the_same_request_has_the_same_explanation():
    first, second = (explained(texts(), has("awful"), {"text": LONG * 2 + " awful"}).to_json() for _ in range(2))

    assert first == second


def test_a_long_text_has_runs_of_neighbouring_words():
    found = explained(texts(length=5000), has("awful"), {"text": "the film " * 500 + "awful " + "the film " * 500})

    places = [part.place for part in found.parts]
    assert len(places) == 64
    assert {len(place["text"].split()) for place in places} == {31, 32}
    assert "awful" in found.strongest(1)[0].place["text"]


def test_what_the_deadline_cuts_is_answered_as_far_as_it_came():
    contract = texts()
    score = runs(contract, has("awful"))
    called = []

    def slow(instances):
        called.append(len(instances))
        if len(called) > 3:
            raise ModelServerTimeout("small", "too late")
        return score(instances)

    found = explain(contract, {"text": LONG + " awful"}, slow)

    assert (found.complete, found.exact, found.gap) == (False, False, 0.0)
    assert called == [1, 64, 64, 64]
    assert found.evaluations == 129
    assert found.strongest(1)[0].place["text"] == "awful"


def test_no_call_is_begun_for_which_no_time_is_left():
    contract = texts()
    called = []

    def score(instances):
        called.append(len(instances))
        return runs(contract, has("awful"))(instances)

    with pytest.raises(ModelServerTimeout, match="before the answer was explained"):
        explain(contract, {"text": LONG}, score, until=time.perf_counter())
    assert called == [1]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"target": "nobody"}, "target: expected one of 'bad', 'good', got 'nobody'"),
        ({"head": "tail"}, "head: expected 'answer', got 'tail'"),
        ({"budget": 13}, "budget: expected at least 14, 2 for each field and 2, got 13"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(question, told):
    contract = table(6, head=texts().answers.only)

    with pytest.raises(InvalidExplanation) as refused:
        explained(contract, lambda x: np.full((len(x), 1), 0.5), {f"x{place}": 1.0 for place in range(6)}, **question)

    assert str(refused.value) == told


def test_another_label_is_explained_if_it_is_named():
    found = explained(texts(), has("awful"), {"text": "so awful"}, target="bad")

    assert (found.answer["label"], found.score, found.base) == ("good", pytest.approx(0.1), pytest.approx(0.8))
    assert found.strongest(1)[0].contribution == pytest.approx(-0.7)


def test_a_small_budget_makes_larger_parts():
    found = explained(texts(), has("awful"), {"text": LONG + " awful"}, budget=16)

    assert len(found.parts) == 4
    assert "awful" in found.strongest(1)[0].place["text"]
    assert found.exact


def test_errors_of_the_instance_and_the_model_are_raised_as_they_are():
    def broken(instances):
        raise ModelServerError("small", "it burns")

    with pytest.raises(InvalidInstance):
        explained(texts(), has("awful"), {"text": ""})
    with pytest.raises(ModelServerError, match="it burns"):
        explain(texts(), {"text": "fine"}, broken, Question())
