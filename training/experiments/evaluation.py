"""Fitting a recipe to rows and measuring it on others: on each fold's validation rows, and once on the test rows."""

import contextlib
import dataclasses
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf

from serving.contract import Record
from serving.contract.arrays import Array
from serving.contract.heads import Head
from training.data.datasets import Dataset, Instance, Part
from training.data.features import prepare
from training.errors import BadRequest
from training.execution.distribution import copy_outside_strategy
from training.execution.execution import Execution
from training.experiments.record import FoldRecord, RunRecord
from training.experiments.served_graph import scores_of, served_graph
from training.task import Fold, Recipe, Say, Task, Trained
from training.validation import ValidationStrategy, checked_splits


@dataclass(frozen=True)
class Fitted:
    """A fitted record, and the model trained on its features."""

    record: Record
    trained: Trained

    @cached_property
    def graph(self) -> Any:
        """The graph that an export serves."""
        return served_graph(self.trained.model, self.record.specs)

    def scores(self, instances: Sequence[Instance]) -> Array:
        """Return the scores of raw instances: `float32[n, width]`. Raises UnusableData."""
        return scores_of(self.graph, prepare(self.record, instances))


@dataclass(frozen=True)
class Experiment:
    """A task with its data, on which recipes are tried."""

    name: str
    task: Task
    data: Dataset
    head: Head
    execution: Execution
    say: Say

    @property
    def width(self) -> int:
        """The number of scores for an instance."""
        return self.head.output.shape[1] or 0

    def validate(self, recipe: Recipe, strategy: ValidationStrategy) -> list[FoldRecord]:
        """Measure *recipe* on each fold of *strategy*, whose record is fitted to its training rows only.

        Raises BadRequest if there are too few rows.
        """
        splits = checked_splits(strategy, self.data.train.targets, self.execution.seed)
        folds = []
        for number, (train_rows, validation_rows) in enumerate(splits, start=1):
            self.say(f"{self.name}: {strategy.name}, fold {number} of {len(splits)}")
            train, held_out = self.data.train.rows(train_rows), self.data.train.rows(validation_rows)
            fitted = self.fit(recipe, train, held_out)
            folds.append(
                FoldRecord(
                    stages=fitted.trained.curves,
                    metric=self.task.problem.measure(held_out.targets, fitted.scores(held_out.instances)),
                    train_rows=len(train_rows),
                    validation_rows=len(validation_rows),
                )
            )
        return folds

    def fit(self, recipe: Recipe, train: Part, held_out: Part | None = None) -> Fitted:
        """Fit record and network to the rows of *train*. Raises TrainingError."""
        keras.utils.set_random_seed(self.execution.seed)
        record = self.task.fit(self.data, train.instances, recipe)
        validation = (prepare(record, held_out.instances), held_out.targets) if held_out else None
        fold = Fold(prepare(record, train.instances), train.targets, validation, self.execution)
        strategy = self.execution.strategy
        with strategy.scope(), _refusing_what_xla_lacks(self.execution.jit_compile):
            trained = recipe.train(self.task.problem, self.width, fold)
        if strategy.num_replicas_in_sync > 1:
            trained = dataclasses.replace(trained, model=copy_outside_strategy(trained.model))
        return Fitted(record, trained)

    def naive(self) -> float:
        """Return the naive baseline's metric on the test rows."""
        problem, test = self.task.problem, self.data.test.targets
        return problem.measure(test, problem.naive_scores(self.data.train.targets, len(test), self.width))


def as_evaluation(record: RunRecord) -> dict[str, Any]:
    """Return the metrics of a run as the contract contains them, with those of the naive baseline."""
    problem = record.problem
    ((baseline, naive), *_) = record.baselines.items()
    tested = problem.measure(record.test_targets, record.test_scores)
    return {
        "metric": problem.metric,
        "test": {problem.metric: tested, "rows": len(record.test_scores)},
        "validation": {
            "protocol": record.protocol,
            problem.metric: float(record.validation.mean()),
            "spread": float(record.validation.std()),
            "folds": record.validation.tolist(),
        },
        "baseline": {"name": baseline, problem.metric: naive},
    }


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
