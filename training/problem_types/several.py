"""Several questions to one model, each with its own output."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from training.errors import BadRequest
from training.problem_types.problem import Problem
from training.problem_types.values import Regression


class MultiOutput(Problem):
    """The problems of *parts*, with the width of each, by the name of the output; the first is the main one."""

    def __init__(self, parts: Mapping[str, tuple[Problem, int]]) -> None:
        object.__setattr__(self, "parts", dict(parts))

    def __repr__(self) -> str:
        return f"MultiOutput({dict(self.parts)})"

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    name = "multi_output"
    parts: Mapping[str, tuple[Problem, int]]

    @property
    def activation(self) -> str | None:
        """Not there: raises BadRequest, for a recipe that has only one output."""
        raise self._lacking

    @property
    def loss(self) -> str:
        """Not there either."""
        raise self._lacking

    @property
    def _lacking(self) -> BadRequest:
        return BadRequest(
            f"this recipe answers one question, not {len(self.parts)} ({', '.join(self.parts)}): choose one whose last "
            "layer is `scores_of` of plumbline"
        )

    def scaled(self, targets: Mapping[str, np.ndarray]) -> "MultiOutput":  # type: ignore[override]
        """Return the problems with the scales of their training targets, so that no unit outweighs the others."""
        return MultiOutput(
            {name: (_standardised(part).scaled(targets[name]), width) for name, (part, width) in self.parts.items()}
        )


def _standardised(problem: Problem) -> Problem:
    if isinstance(problem, Regression) and problem.activation is None:
        return replace(problem, standardises=True)
    return problem
