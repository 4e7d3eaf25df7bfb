"""Fitting a recipe to rows and measuring it on others: on each fold's validation rows, and once on the test rows."""

import contextlib
import dataclasses
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from serving.contract import Answers, Record
from serving.contract.answers import SCORES, Outputs
from serving.contract.arrays import Array
from training.data.datasets import Dataset, Instance, Part, Targets
from training.data.features import prepare
from training.errors import BadRequest
from training.execution.distribution import copy_outside_strategy
from training.execution.execution import Execution
from training.experiments.prepared import Prepared
from training.experiments.record import FoldRecord, RunRecord
from training.experiments.served_graph import lite_graph, outputs_of, served_graph
from training.experiments.targets import check_head, check_targets, made_head
from training.problem_types import MultiOutput, Problem
from training.task import Fold, Recipe, Say, Task, Trained
from training.validation import Split, ValidationStrategy, checked_splits


@dataclass(frozen=True)
class Fitted:
    """A fitted record, and the model trained on its features."""

    record: Record
    trained: Trained

    @cached_property
    def graph(self) -> Any:
        """The graph that an export serves."""
        return served_graph(self.trained.model, self.record.specs)

    @property
    def lite_graph(self) -> Any:
        """The graph that its lite form is converted from."""
        return lite_graph(self.trained.model, self.record.specs)

    def outputs(self, instances: Sequence[Instance]) -> Outputs:
        """Return the outputs for raw instances: `float32[n, width]` each. Raises UnusableData."""
        return outputs_of(self.graph, prepare(self.record, instances))


@dataclass(frozen=True, eq=False)
class Validation:
    """The folds of a recipe's validation, and what its models answered to their held-out rows, by head.

    Without folds, there are no heads in *targets* and *scores*. *prepared* are all rows with their features, if there
    is only one fold.
    """

    folds: Sequence[FoldRecord]
    targets: Mapping[str, np.ndarray]
    scores: Mapping[str, np.ndarray]
    prepared: Prepared | None = None


@dataclass(frozen=True)
class Experiment:
    """A task with its data, on which recipes are tried."""

    name: str
    task: Task
    data: Dataset
    execution: Execution
    say: Say

    @cached_property
    def answers(self) -> Answers:
        """The heads; with several, the outputs have their names."""
        heads = {name: made_head(name, question, self.data) for name, question in self.task.questions.items()}
        return Answers(heads, {name: name if len(heads) > 1 else SCORES for name in heads})

    @property
    def problems(self) -> Mapping[str, Problem]:
        """The type of problem of each head."""
        return {name: question.problem for name, question in self.task.questions.items()}

    def width(self, head: str) -> int:
        """Return the number of scores that *head* reads of an instance."""
        return self.answers.heads[head].output.shape[1] or 0

    def check_targets(self) -> None:
        """Raise BadRequest for the first head or target that its problem can't have."""
        for head, problem in self.problems.items():
            check_head(head, problem, self.answers.heads[head])
            check_targets(problem, self.width(head), self.data, head)

    def validate(self, recipe: Recipe, strategy: ValidationStrategy) -> Validation:
        """Measure *recipe* on each fold of *strategy*, whose record is fitted to its training rows only.

        Raises BadRequest if there are too few rows.
        """
        main = next(iter(self.problems))
        splits = checked_splits(strategy, self.data.train.targets_of(main), self.execution.seed, self.data.train.groups)
        # Of one split, the rows of both sides lie one after the other, so that the last training can take them as well.
        prepared = Prepared(self.data.train.rows(np.concatenate(splits[0]))) if len(splits) == 1 else None
        folds, answered = [], []
        for number, split in enumerate(splits, start=1):
            self.say(f"{self.name}: {strategy.name}, fold {number} of {len(splits)}")
            fold, held_out, scores = self._validated(recipe, split, prepared)
            folds.append(fold)
            answered.append((held_out, scores))
        heads = self.problems if answered else ()
        return Validation(
            folds,
            {head: np.concatenate([part.targets_of(head) for part, _ in answered]) for head in heads},
            {head: np.concatenate([scores[head] for _, scores in answered]) for head in heads},
            prepared,
        )

    def fit(self, recipe: Recipe, train: Part, prepared: Prepared | None = None) -> Fitted:
        """Fit record and network to the rows of *train*. Raises TrainingError.

        *prepared* are the same rows in any order: their features are taken if they were made by an equal record, and
        let go.
        """
        record, known = self._record(recipe, train), None
        if prepared and prepared.has(record):
            train, features, known = prepared.part, prepared.features(record), prepared.known
            prepared.forget()
        else:
            if prepared:
                prepared.forget()
            features = prepare(record, train.instances)
        fold = Fold(features, self._targets(train), None, self.execution, known=known)
        return self._trained(recipe, record, train, fold)

    def _validated(
        self, recipe: Recipe, split: Split, prepared: Prepared | None
    ) -> tuple[FoldRecord, Part, Mapping[str, Array]]:
        """Fit *recipe* to one side of *split*. Return the record of the fold, the other side, and its scores."""
        train, held_out = (self.data.train.rows(rows) for rows in split)
        record = self._record(recipe, train)
        if prepared:
            features = prepared.features(record)
            learned, scored = ({name: array[side] for name, array in features.items()} for side in _sides(len(train)))
        else:
            learned, scored = prepare(record, train.instances), prepare(record, held_out.instances)
        known = prepared.known if prepared else None
        fold = Fold(learned, self._targets(train), (scored, self._targets(held_out)), self.execution, known=known)
        fitted = self._trained(recipe, record, train, fold)
        scores = self.by_head(outputs_of(fitted.graph, scored))
        main = next(iter(self.problems))
        return (
            FoldRecord(
                stages=fitted.trained.curves,
                metric=self.problems[main].measure(held_out.targets_of(main), scores[main]),
                train_rows=len(train),
                validation_rows=len(held_out),
            ),
            held_out,
            scores,
        )

    def _record(self, recipe: Recipe, train: Part) -> Record:
        keras.utils.set_random_seed(self.execution.seed)
        return self.task.fit(self.data, train.instances, recipe)

    def _trained(self, recipe: Recipe, record: Record, train: Part, fold: Fold) -> Fitted:
        strategy = self.execution.strategy
        with strategy.scope(), _refusing_what_xla_lacks(self.execution.jit_compile):
            trained = recipe.train(*self._asked(train), fold)
        if strategy.num_replicas_in_sync > 1:
            trained = dataclasses.replace(trained, model=copy_outside_strategy(trained.model))
        return Fitted(record, trained)

    def by_head(self, outputs: Outputs) -> Mapping[str, Array]:
        """Return the scores that each head reads."""
        return {head: outputs[output] for head, output in self.answers.outputs.items()}

    def naive(self, head: str) -> Mapping[str, float]:
        """Return the metric of each naive baseline on the test rows, by name; the first is the one to beat."""
        problem, test = self.problems[head], self.data.test.targets_of(head)
        scores = problem.naive_scores(self.data.train.targets_of(head), len(test), self.width(head))
        own = self.task.naive(self.data) if head == next(iter(self.problems)) else {}
        return {name: problem.measure(test, of) for name, of in {**own, problem.naive_name: scores}.items()}

    def _targets(self, part: Part) -> Targets:
        """Return the targets of the only head, or those of each that the task asks for."""
        targets = {head: part.targets_of(head) for head in self.problems}
        return next(iter(targets.values())) if self.answers.only else targets

    def rivals(self, head: str) -> Mapping[str, float]:
        """Return the metric of each rival that answers for *head*, on the test rows. Raises BadRequest."""
        problem, test = self.problems[head], self.data.test.targets_of(head)
        measured = {}
        for name, answered in self._rivals.items():
            by_head = answered if isinstance(answered, Mapping) else {next(iter(self.problems)): answered}
            if head in by_head:
                shape, expected = np.shape(by_head[head]), (len(test), self.width(head))
                if shape != expected:
                    raise BadRequest(f"rivals: expected scores {[*expected]} of '{name}' for {head}, got {[*shape]}")
                measured[name] = problem.measure(test, np.asarray(by_head[head]))
        return measured

    @cached_property
    def _rivals(self) -> Mapping[str, Any]:
        return self.task.rivals(self.data)

    def _asked(self, train: Part) -> tuple[Problem, int]:
        """Return what a recipe is asked to train, with the scale of the training targets where that matters."""
        if not self.answers.only:
            parts = {head: (problem, self.width(head)) for head, problem in self.problems.items()}
            asked = MultiOutput(parts).scaled({head: train.targets_of(head) for head in parts})
            return asked, sum(width for _, width in parts.values())
        ((head, problem),) = self.problems.items()
        return problem.scaled(train.targets_of(head)), self.width(head)


def as_evaluation(record: RunRecord, measures: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Return the metrics of a run as the contract contains them, with those of the naive baseline.

    The main head's come first; those of others stand in `heads`, by name. *measures* has more of them on the test rows,
    by the name of the head. Without folds, `validation` names the protocol alone.
    """
    others = {head: _tested(other, measures.get(head, {})) for head, other in record.others.items()}
    evaluation = _tested(record, measures.get(record.head_name, {})) | {
        "validation": {"protocol": record.protocol, **(_validated(record) if record.folds else {})},
    }
    return evaluation | ({"heads": others} if others else {})


def _validated(record: RunRecord) -> dict[str, Any]:
    return {
        record.metric: float(record.validation.mean()),
        "spread": float(record.validation.std()),
        "folds": record.validation.tolist(),
    }


def _tested(record: RunRecord, measures: Mapping[str, float]) -> dict[str, Any]:
    ((baseline, naive), *_) = record.baselines.items()
    tested = record.problem.measure(record.test_targets, record.test_scores)
    return {
        "metric": record.metric,
        "test": {**measures, record.metric: tested, "rows": len(record.test_scores)},
        "baseline": {"name": baseline, record.metric: naive},
    }


def _sides(count: int) -> tuple[slice, slice]:
    return slice(None, count), slice(count, None)


_XLA_LACKS = re.compile(r"unsupported operations[^:]*: (\w+)")


class Stopwatch:
    """Measures seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, stage: str) -> None:
        """Record the time since the last lap under *stage*."""
        now = time.monotonic()
        self.seconds[stage] = round(now - self._last, 1)
        self._last = now


@contextlib.contextmanager
def _refusing_what_xla_lacks(jit_compile: bool) -> Iterator[None]:
    """Raise BadRequest if XLA can't compile the training step, which it reports before anything has been learned."""
    try:
        yield
    except tf.errors.OpError as error:
        if not jit_compile or "tf2xla" not in error.message:
            raise
        lacking = _XLA_LACKS.search(error.message)
        operation = f" ({lacking[1]} has no kernel)" if lacking else ""
        raise BadRequest(
            f"--jit-compile: XLA can't compile this recipe's training step{operation}; omit the option, or use "
            "another recipe"
        ) from error
