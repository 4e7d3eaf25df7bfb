"""How bad each answer is, for the order in which rows are kept and shown."""

import numpy as np

from training.problem_types import Problem
from training.problem_types.classes import Classes
from training.report.measures import log_losses


def severities(problem: Problem, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return how bad each answer is, `float64[n]`, 0 of one that is right: of a wrong class its loss, else its cost."""
    costs = problem.costs(targets, scores)
    if not isinstance(problem, Classes):
        return costs
    likely = np.hstack([1 - scores, scores]) if scores.shape[1] == 1 else scores
    return np.where(costs > 0, log_losses(targets.reshape(-1).astype(np.int64), likely), 0.0)
