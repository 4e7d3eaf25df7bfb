"""The live version, evaluated by its own contract on the test rows of the model that may replace it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from serving.contract import Contract
from serving.contract.answers import SCORES
from serving.contract.arrays import Array
from serving.contract.heads import Head, Labels, Value
from serving.registry.versions import Version
from training.data.datasets import Instance
from training.experiments.record import RunRecord
from training.experiments.served_graph import scores_of
from training.problem_types import Problem, same_question
from training.publishing.comparison import Comparison, compare

_PIECE = 512
"""Number of rows whose features are held at a time."""


class Incomparable(Exception):
    """Why a live version can't be evaluated on a job's test rows; the message follows "which", like "requires ..."."""


def compare_with_live(live: Version, head: Head, record: RunRecord) -> Comparison:
    """Evaluate *live* on the test rows of *record*, a run whose model has *head*. Raises Incomparable."""
    assert live.contract  # noqa: S101 - a live version has one
    check_question(live.contract, record.problem, head, record.test_instances)
    scores = _scores(live.path, live.contract, record.test_instances)
    if isinstance(head, Labels) and isinstance(live.contract.answers.only, Labels):
        scores = _by_labels_of(head, live.contract.answers.only, scores)
    return compare(live.number, record.problem, record.test_targets, record.test_scores, scores)


def check_question(live: Contract, problem: Problem, head: Head, instances: Sequence[Instance]) -> None:
    """Raise Incomparable if *live* answers another question than a model with *head*, or requires more fields."""
    answering = live.answers.only
    if answering is None or type(answering) is not type(head) or not same_question(live.problem, problem.name):
        raise Incomparable(f"answers another kind of question: {live.problem}, not {problem.name}")
    if unknown := [name for name in _names(answering) if name not in _names(head)]:
        raise Incomparable(f"has labels that the new model lacks: {_listed(unknown)}")
    if isinstance(answering, Value) and isinstance(head, Value) and answering.unit != head.unit:
        raise Incomparable(f"answers in the unit '{answering.unit}', not '{head.unit}'")
    if lacking := [name for name in live.record.fields if not any(name in row for row in instances)]:
        raise Incomparable(f"requires fields that the test rows lack: {_listed(lacking)}")


def _names(head: Head) -> Sequence[str]:
    return head.names if isinstance(head, Labels) else ()


def _scores(path: Path, live: Contract, instances: Sequence[Instance]) -> Array:
    try:
        loaded = tf.saved_model.load(str(path))  # referenced here: its variables live only as long as it does
        serve = loaded.signatures["serving_default"]
        pieces = [
            scores_of(lambda features: serve(**features), _features(live, instances, start))
            for start in range(0, len(instances), _PIECE)
        ]
    except Incomparable:
        raise
    except Exception as error:  # TensorFlow may raise anything, and the files may be anyone's
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Incomparable(f"can't be loaded and run here: {reason[:300]}") from error
    scores = np.concatenate(pieces)
    if live.answers.problem({SCORES: scores}, len(instances)):
        raise Incomparable(
            "returns scores for the test rows that are not finite, or not of the shape that its contract states"
        )
    return scores


def _features(live: Contract, instances: Sequence[Instance], start: int) -> Any:
    fields = live.record.fields
    # A field that it does not know was not part of its training.
    rows = [{name: row[name] for name in fields if name in row} for row in instances[start : start + _PIECE]]
    decoded, rejected = live.decode_each(rows)
    if rejected:
        number = min(rejected)
        raise Incomparable(f"can't read test row {start + number}: {'; '.join(map(str, rejected[number]))}")
    return live.record.encode(decoded)


def _by_labels_of(new: Labels, live: Labels, scores: Array) -> Array:
    """Arrange the live version's scores by the new labels; a label that it does not know scores 0."""
    columns = np.hstack([1 - scores, scores]) if len(live.names) == 2 else scores
    known = dict(zip(live.names, columns.T, strict=True))
    placed = np.column_stack([known.get(name, np.zeros(len(scores), scores.dtype)) for name in new.names])
    return placed[:, 1:] if len(new.names) == 2 else placed


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
