"""Explains one answer: parts the instance, scores it with parts left out, and says what each contributed."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from serving.contract import Contract
from serving.contract.answers import Outputs
from serving.contract.arrays import Array
from serving.errors import InvalidExplanation, ModelServerTimeout
from serving.explanation.attribution import Attribution, occlusion, shapley
from serving.explanation.explanation import Explained, Explanation
from serving.explanation.parts import Parts, least_budget, parts_of
from serving.explanation.subset_scores import SubsetScores
from serving.explanation.targets import target_of

Method = Literal["shapley", "occlusion"]
METHODS: tuple[Method, ...] = get_args(Method)

ScoreRows = Callable[[Sequence[Mapping[str, Any]]], Outputs]
"""Instances -> the model's outputs; raises the errors of `serving.errors`."""

_MOST_ROWS = 64
_MOST_BYTES = 2 * 1024 * 1024
"""Of the instances of one call: more would keep others waiting for it."""


@dataclass(frozen=True)
class Question:
    """What is to be explained, and how: by default the answer itself. *budget* is the most instances to be answered."""

    head: str | None = None
    target: str | None = None
    method: Method = "shapley"
    budget: int = 512


def explain(
    contract: Contract,
    instance: Mapping[str, Any],
    score_rows: ScoreRows,
    question: Question = Question(),
    until: float = math.inf,
) -> Explanation:
    """Explain the answer to *instance*, at the latest at the moment *until* of `time.perf_counter`.

    Time that does not suffice leaves the explanation incomplete. Raises InvalidExplanation for a question that does
    not fit the model, ModelServerTimeout if there was no time for an explanation at all, and what *score_rows* raises.
    """
    _check_budget(contract, question)
    outputs = score_rows([instance])
    (answer,) = contract.answers.make(outputs)
    target = target_of(contract.answers, outputs, question.head, question.target)
    parts = parts_of(contract, instance, question.budget)
    count = len(parts.varied)

    def score(instances: Sequence[Mapping[str, Any]]) -> Array:
        return target.scores(score_rows(instances))

    scores = SubsetScores(parts.with_only, score, _rows_a_call(contract, instance), until)
    scores.known[(1 << count) - 1] = whole = float(target.scores(outputs)[0])
    found = _attribution(scores, question, count)
    if found is None:
        raise ModelServerTimeout(
            contract.model,
            f"the deadline passed before the answer was explained, of {count} parts: "
            "leave more time, or explain by occlusion",
        )
    return Explanation(
        answer,
        question.method,
        target,
        whole,
        scores.known[0],
        _explained(parts, found),
        parts.pictures,
        len(scores.known),
        found.exact,
        found.complete,
        found.stability,
    )


def _check_budget(contract: Contract, question: Question) -> None:
    if (least := least_budget(contract)) > question.budget:
        raise InvalidExplanation(f"budget: expected at least {least}, 2 for each field and 2, got {question.budget}")


def _attribution(scores: SubsetScores, question: Question, count: int) -> Attribution | None:
    if question.method == "occlusion":
        return occlusion(scores, count)
    return shapley(scores, count, question.budget)


def _explained(parts: Parts, found: Attribution) -> list[Explained]:
    contributions, errors = np.zeros((2, len(parts.places)))
    contributions[parts.varied] = found.contributions
    if found.errors is not None:
        errors[parts.varied] = found.errors
    return [
        Explained(field, place, float(contribution), None if found.errors is None else float(error))
        for (field, place), contribution, error in zip(parts.places, contributions, errors, strict=True)
    ]


def _rows_a_call(contract: Contract, instance: Mapping[str, Any]) -> int:
    fields = contract.record.fields
    texts = sum(len(value) for name, value in instance.items() if fields[name].control == "text" and value)
    features = sum(spec.row_bytes for spec in contract.record.specs.values())
    return max(1, min(_MOST_ROWS, _MOST_BYTES // max(1, features + texts)))
