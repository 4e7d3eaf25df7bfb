import numpy as np
import pytest

from training.problem_types import BINARY, MULTICLASS, MULTILABEL, REGRESSION


@pytest.mark.parametrize(
    ("problem", "targets", "scores", "expected"),
    [
        (BINARY, [0, 1, 1], [[0.4], [0.5], [0.1]], 2 / 3),
        (MULTICLASS, [2, 0], [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], 0.5),
        (MULTILABEL, [[1, 0], [1, 1]], [[0.9, 0.2], [0.9, 0.1]], 0.75),
        (REGRESSION, [1.0, 3.0], [[2.0], [1.0]], 1.5),
    ],
)
def test_the_metric_is_computed_over_rows(problem, targets, scores, expected):
    assert problem.measure(np.array(targets), np.array(scores)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("problem", "targets", "width", "expected"),
    [
        (BINARY, [0, 1, 1], 1, [[1], [1]]),
        (MULTICLASS, [2, 0, 2], 3, [[0, 0, 1], [0, 0, 1]]),
        (MULTILABEL, [[1, 0], [1, 1], [1, 0]], 2, [[1, 0], [1, 0]]),
        (REGRESSION, [1.0, 3.0], 1, [[2], [2]]),
    ],
)
def test_the_naive_baseline_has_seen_only_targets(problem, targets, width, expected):
    assert problem.naive_scores(np.array(targets), 2, width).tolist() == expected
