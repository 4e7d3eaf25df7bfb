import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import balanced_accuracy_score, f1_score, mean_pinball_loss, r2_score
from sklearn.utils.class_weight import compute_class_weight

from serving.contract.heads import Interval, TagSet
from training.errors import BadRequest
from training.fitting.losses import loss_of, metrics_of
from training.problem_types import (
    BALANCED_BINARY,
    BALANCED_MULTICLASS,
    BINARY,
    MULTICLASS,
    MULTILABEL,
    QUANTILES,
    REGRESSION,
    VALUES,
    MultiOutput,
)
from training.problem_types.classes import class_weights
from training.problem_types.values import coverage

shares = st.floats(0, 1, width=32)


@pytest.mark.parametrize(
    ("problem", "targets", "scores", "expected"),
    [
        (BINARY, [0, 1, 1], [[0.4], [0.5], [0.1]], 2 / 3),
        (MULTICLASS, [2, 0], [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], 0.5),
        (MULTILABEL, [[1, 0], [1, 1]], [[0.9, 0.2], [0.9, 0.1]], 0.5),
        (REGRESSION, [1.0, 3.0], [[2.0], [1.0]], 1.5),
        (QUANTILES, [3.0], [[1.0, 2.0, 5.0]], (0.05 * 2 + 0.5 * 1 + 0.05 * 2) / 3),
        (VALUES, [[1.0, 10.0], [3.0, 30.0]], [[1.0, 20.0], [3.0, 20.0]], 0.5),
    ],
)
def test_the_metric_is_computed_over_rows(problem, targets, scores, expected):
    assert problem.measure(np.array(targets), np.array(scores)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("problem", "targets", "width", "expected"),
    [
        (BINARY, [0, 1, 1], 1, [[1], [1]]),
        (MULTICLASS, [2, 0, 2], 3, [[0, 0, 1], [0, 0, 1]]),
        (MULTILABEL, [[1, 0], [1, 1], [1, 0]], 2, [[1, 1], [1, 1]]),
        (REGRESSION, [1.0, 3.0], 1, [[2], [2]]),
        (QUANTILES, [0.0, 10.0, 20.0], 3, [[1, 10, 19], [1, 10, 19]]),
        (VALUES, [[1.0, 5.0], [3.0, 5.0]], 2, [[2, 5], [2, 5]]),
    ],
)
def test_the_naive_baseline_has_seen_only_targets(problem, targets, width, expected):
    assert problem.naive_scores(np.array(targets), 2, width).tolist() == expected


@given(st.data())
def test_macro_f1_is_scikit_learn_s_over_the_tags_that_occur(data):
    rows, tags = data.draw(st.integers(1, 12)), data.draw(st.integers(2, 4))
    targets = data.draw(arrays.arrays(np.int64, (rows, tags), elements=st.integers(0, 1)))
    scores = data.draw(arrays.arrays(np.float32, (rows, tags), elements=shares))

    taken = (scores >= 0.5).astype(int)
    seen = (targets | taken).any(axis=0)
    expected = np.mean(f1_score(targets, taken, average=None, zero_division=0)[seen]) if seen.any() else 1.0

    assert MULTILABEL.measure(targets, scores) == pytest.approx(expected)


@given(st.data())
def test_the_thresholds_chosen_have_the_highest_f1_there_is(data):
    rows = data.draw(st.integers(1, 12))
    targets = data.draw(arrays.arrays(np.int64, (rows, 1), elements=st.integers(0, 1)))
    scores = data.draw(arrays.arrays(np.float32, (rows, 1), elements=st.sampled_from([0.0, 0.1, 0.3, 0.35, 0.7, 1.0])))

    (chosen,) = MULTILABEL.settled(targets, scores).thresholds

    def f1(threshold: float) -> float:
        return float(f1_score(targets, (scores >= threshold).astype(int), zero_division=0))

    assert 0 <= chosen <= 1
    assert f1(chosen) == (pytest.approx(max(f1(each) for each in np.unique(scores))) if targets.any() else f1(0.5))


@given(st.lists(st.tuples(*[st.floats(-1e3, 1e3)] * 4), min_size=1))
def test_pinball_loss_is_scikit_learn_s(rows):
    targets, scores = np.array([row[0] for row in rows]), np.sort([row[1:] for row in rows], axis=1)

    expected = [mean_pinball_loss(targets, scores[:, i], alpha=alpha) for i, alpha in enumerate(QUANTILES.levels)]

    assert QUANTILES.measure(targets, scores) == pytest.approx(np.mean(expected))


def test_r2_of_several_values_is_scikit_learn_s():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(50, 3)) * [1, 100, 1e-3]
    scores = targets + rng.normal(size=(50, 3)) * [0.5, 20, 1e-4]

    assert VALUES.measure(targets, scores) == pytest.approx(r2_score(targets, scores))


def test_what_is_chosen_and_measured_goes_into_the_head():
    chosen = MULTILABEL.settled(np.array([[0, 1], [1, 0]]), np.array([[0.1, 0.3], [0.2, 0.1]]))
    head = chosen.finished(TagSet(("a", "b"), (0.5, 0.5)), np.zeros((1, 2)), np.zeros((1, 2)))
    assert head.thresholds == pytest.approx((0.15, 0.2))
    assert MULTILABEL.of_head(head) == chosen

    targets, scores = np.array([1.0, 5.0, 9.0, 2.0]), np.array([[0.0, 1, 2], [9, 7, 6], [8, 9, 10], [1, 2, 3]])
    assert QUANTILES.finished(Interval("m", 0.9), targets, scores) == Interval("m", 0.75)
    assert coverage(targets, scores) == 0.75


@pytest.mark.parametrize(
    ("problem", "targets", "scores"),
    [
        (MULTILABEL, [[1, 0, 0], [1, 1, 0], [0, 0, 0]], [[0.5, 0.4, 0.1], [0.2, 0.9, 0.1], [0.7, 0.1, 0.2]]),
        (QUANTILES, [1.0, 2.0, 30.0], [[0, 1, 2], [1, 2, 3], [1, 2, 3]]),
        (VALUES, [[1.0, 10.0], [3.0, 30.0], [5.0, 20.0]], [[1.5, 20.0], [3.5, 20.0], [5, 22]]),
        (REGRESSION, [1.0, 2.0, 4.0], [[1.5], [2.5], [3]]),
        (BINARY, [1, 0, 1], [[0.9], [0.8], [0.7]]),
    ],
)
def test_the_learning_curve_has_the_measure_of_the_headline(problem, targets, scores):
    (metric,) = [keras.metrics.get(each) if isinstance(each, str) else each for each in metrics_of(problem)]
    targets, scores = np.array(targets, np.float32), np.array(scores, np.float32)
    if problem in (BINARY, REGRESSION):  # by name, Keras chooses the function by the shape of the scores
        model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Identity()])
        model.compile(loss=problem.loss, metrics=metrics_of(problem))
        assert model.evaluate(scores, targets, verbose=0)[1] == pytest.approx(problem.measure(targets, scores))
    else:
        metric.update_state(targets, scores)
        assert float(metric.result()) == pytest.approx(problem.measure(targets, scores), abs=1e-6)


def test_numbers_of_any_unit_weigh_the_same():
    targets = np.array([[1.0, 1000.0], [3.0, 3000.0]], np.float32)
    loss = loss_of(VALUES.scaled(targets))

    one, other = (np.array([[1.0 + off, 1000.0 + 1000 * off_2]], np.float32) for off, off_2 in ((1, 0), (0, 1)))
    assert float(loss(targets[:1], one)) == pytest.approx(float(loss(targets[:1], other))) == pytest.approx(0.5)


def test_a_recipe_for_one_question_says_that_it_has_several():
    several = MultiOutput({"kind": (BINARY, 1), "mass": (REGRESSION, 1)})

    with pytest.raises(BadRequest, match=r"answers one question, not 2 \(kind, mass\)"):
        _ = several.activation
    assert repr(several).startswith("MultiOutput({'kind': ")
    assert several.scaled({"kind": np.array([0, 1]), "mass": np.array([1.0, 3.0])}).parts["mass"][0].scale == (1.0,)


@pytest.mark.parametrize(("problem", "classes"), [(BALANCED_BINARY, 2), (BALANCED_MULTICLASS, 4)])
def test_balanced_classes_are_weighted_and_measured_as_scikit_learn_does(problem, classes):
    rng = np.random.default_rng(1)
    targets = np.concatenate([np.arange(classes), rng.choice(classes, 200, p=rng.dirichlet(np.ones(classes)))])
    scores = rng.random((len(targets), problem.widths.start if classes == 2 else classes)).astype(np.float32)
    answered = (scores[:, 0] >= 0.5).astype(int) if classes == 2 else scores.argmax(axis=1)
    scaled = problem.scaled(targets)

    assert problem.measure(targets, scores) == pytest.approx(balanced_accuracy_score(targets, answered))
    assert scaled.weights == pytest.approx(compute_class_weight("balanced", classes=np.arange(classes), y=targets))
    assert problem.measure(targets, problem.naive_scores(targets, len(targets), classes)) == pytest.approx(1 / classes)

    (metric,) = metrics_of(problem)
    for piece in np.array_split(np.arange(len(targets)), 3):
        metric.update_state(targets[piece], keras.ops.convert_to_tensor(scores[piece]))
    assert float(metric.result()) == pytest.approx(balanced_accuracy_score(targets, answered), abs=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0

    rows = [
        float(keras.losses.get(problem.loss)(targets[[row], None], scores[[row]])[0]) for row in range(len(targets))
    ]
    expected = np.mean(np.array(rows) * np.array(scaled.weights)[targets])
    assert float(loss_of(scaled)(targets, scores)) == pytest.approx(expected, rel=1e-5)


def test_a_class_without_a_row_has_no_weight():
    assert class_weights(np.array([0, 0, 2])).tolist() == [0.75, 0.0, 1.5]
