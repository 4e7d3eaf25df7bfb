"""What every type of problem is: output activation, loss and metric (Chollet, Deep Learning with Python, ch. 4)."""

import sys
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from serving.contract.heads import Head


@dataclass(frozen=True)
class Problem:
    """How a type of problem is trained and evaluated. *higher_is_better* describes *metric*.

    *loss* and *metric* are Keras's names, or names in `training.fitting.losses`.
    """

    name: str
    activation: str | None
    loss: str
    metric: str
    higher_is_better: bool

    naive_name: ClassVar[str]
    """Name of the naive baseline, which knows the training targets only."""
    answered_by: ClassVar[type[Head]]
    """Kind of the head that reads the scores; packages may bring others."""
    widths: ClassVar[range] = range(1, sys.maxsize)
    """Numbers of scores that the activation can give."""

    def naive_scores(self, targets: np.ndarray, rows: int, width: int) -> np.ndarray:
        """Return the scores of the naive baseline that was fitted to *targets*: `float32[rows, width]`."""
        raise NotImplementedError

    def measure(self, targets: np.ndarray, scores: np.ndarray) -> float:
        """Return *metric* of `scores: float[n, width]`."""
        return float(np.mean(self.costs(targets, scores)))

    def costs(self, targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return what each row costs, by which two models are compared row by row: `float64[n]`."""
        raise NotImplementedError

    def expected(self, width: int) -> str:
        """Return what a target must be, in words."""
        raise NotImplementedError

    def allowed(self, width: int, targets: np.ndarray) -> np.ndarray:
        """Return which of *targets* are what they must be: `bool`, of their shape."""
        raise NotImplementedError

    def columns(self, width: int) -> int:
        """Return how many targets a row has; 0 if it has one, and no axis for it."""
        return 0

    def scaled(self, targets: np.ndarray) -> Self:
        """Return the problem with the scale of the training *targets*, where the type has one."""
        return self

    def settled(self, targets: np.ndarray, scores: np.ndarray) -> Self:
        """Return the problem with what is chosen on validation rows, where the type has something to choose."""
        return self

    def of_head(self, head: Head) -> Self:
        """Return the problem with what a published *head* says was chosen for it."""
        return self

    def finished(self, head: Head, targets: np.ndarray, scores: np.ndarray) -> Head:
        """Return *head* with what was chosen, and what it must tell of the test rows."""
        return head
