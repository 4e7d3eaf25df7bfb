"""The live version, evaluated by its own contract on the test rows of the model that may replace it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from serving.contract import Contract
from serving.contract.answers import Outputs
from serving.contract.arrays import Array
from serving.contract.heads import Head, Interval, Labels, TagSet, Value, Values
from serving.registry.versions import Version
from training.data.datasets import Instance, plain
from training.experiments.record import RunRecord
from training.experiments.served_graph import outputs_of
from training.problem_types import Problem
from training.publishing.comparison import Comparison, compare

_PIECE = 64
"""Number of rows whose features are held at a time."""


class Incomparable(Exception):
    """Why a live version can't be evaluated on a job's test rows; the message follows "which", like "requires ..."."""


def compare_with_live(live: Version, record: RunRecord) -> Comparison:
    """Evaluate *live* on the test rows of *record*, by the head that *record* is about. Raises Incomparable."""
    assert live.contract  # noqa: S101 - a live version has one
    head, problem = record.head, record.problem
    name = check_question(live.contract, problem, head, record.head_name, record.test_instances)
    outputs = _outputs(live.path, live.contract, record.test_instances)
    answering = live.contract.answers.heads[name]
    scores = outputs[live.contract.answers.outputs[name]]
    judged = problem.of_head(_arranged(head, answering))
    return compare(
        live.number, problem, record.test_targets, record.test_scores, _by_names_of(head, answering, scores), judged
    )


def check_question(live: Contract, problem: Problem, head: Head, name: str, instances: Sequence[Instance]) -> str:
    """Return the name of the live head that answers the question of *head*, which is called *name* if it has others.

    Raises Incomparable if *live* answers another question, or requires more fields.
    """
    answers = live.answers
    if not answers.only and name not in answers.heads:
        raise Incomparable(f"has the heads {_listed([*answers.heads])}" + (f", not '{name}'" if name else ""))
    counterpart = next(iter(answers.heads)) if answers.only else name
    answering = answers.heads[counterpart]
    # Of schema 1, one of several tags that hold is a label as well.
    is_one_of_several = live.problem == "multilabel" and isinstance(answering, Labels)
    if type(answering) is not type(head) or is_one_of_several:
        raise Incomparable(f"answers another kind of question: {live.problem}, not {problem.name}")
    if unknown := [each for each in _names(answering) if each not in _names(head)]:
        raise Incomparable(f"has labels that the new model lacks: {_listed(unknown)}")
    _check_units(answering, head)
    if lacking := [field for field in live.record.fields if not any(field in row for row in instances)]:
        raise Incomparable(f"requires fields that the test rows lack: {_listed(lacking)}")
    return counterpart


def _check_units(live: Head, new: Head) -> None:
    if isinstance(live, Values) and isinstance(new, Values):
        if dict(zip(live.names, live.units, strict=True)) != dict(zip(new.names, new.units, strict=True)):
            raise Incomparable("answers with other values, or in other units")
    elif isinstance(live, Value | Interval) and isinstance(new, Value | Interval) and live.unit != new.unit:
        raise Incomparable(f"answers in the unit '{live.unit}', not '{new.unit}'")


def _names(head: Head) -> Sequence[str]:
    return head.names if isinstance(head, Labels | TagSet | Values) else ()


def _outputs(path: Path, live: Contract, instances: Sequence[Instance]) -> Outputs:
    try:
        loaded = tf.saved_model.load(str(path))  # referenced here: its variables live only as long as it does
        serve = loaded.signatures["serving_default"]
        pieces = [
            outputs_of(lambda features: serve(**features), _features(live, instances, start))
            for start in range(0, len(instances), _PIECE)
        ]
    except Incomparable:
        raise
    except Exception as error:  # TensorFlow may raise anything, and the files may be anyone's
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Incomparable(f"can't be loaded and run here: {reason[:300]}") from error
    outputs = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    if live.answers.problem(outputs, len(instances)):
        raise Incomparable(
            "returns scores for the test rows that are not finite, or not of the shape that its contract states"
        )
    return outputs


def _features(live: Contract, instances: Sequence[Instance], start: int) -> Any:
    fields = live.record.fields
    # A field that it does not know was not part of its training.
    rows = [{name: plain(row[name]) for name in fields if name in row} for row in instances[start : start + _PIECE]]
    decoded, rejected = live.decode_each(rows)
    if rejected:
        number = min(rejected)
        raise Incomparable(f"can't read test row {start + number}: {'; '.join(map(str, rejected[number]))}")
    return live.record.encode(decoded)


def _by_names_of(new: Head, live: Head, scores: Array) -> Array:
    """Arrange the live version's scores by the names of *new*; a name that it does not know scores 0."""
    if not _names(new):
        return scores
    is_binary = isinstance(new, Labels) and len(new.names) == 2
    columns = np.hstack([1 - scores, scores]) if scores.shape[1] < len(_names(live)) else scores
    known = dict(zip(_names(live), columns.T, strict=True))
    placed = np.column_stack([known.get(name, np.zeros(len(scores), scores.dtype)) for name in _names(new)])
    return placed[:, 1:] if is_binary else placed


def _arranged(new: Head, live: Head) -> Head:
    """Return *live* with the tags of *new*, in their order."""
    if not (isinstance(new, TagSet) and isinstance(live, TagSet)):
        return live
    thresholds = dict(zip(live.names, live.thresholds, strict=True))
    return TagSet(new.names, tuple(thresholds.get(name, 1.0) for name in new.names))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
