"""`metrics.json`: all numbers of a report, machine-readable."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np

from serving.contract.heads import TagSet
from training.experiments.record import FoldRecord, RunRecord, metrics_of
from training.insight.insight import NOTHING, Insight
from training.report.outcome import Outcome
from training.report.results import Evaluation

SCHEMA = 1
"""Version of the format of metrics.json."""


def metrics(
    record: RunRecord,
    evaluation: Evaluation,
    others: Mapping[str, tuple[RunRecord, Evaluation]] = MappingProxyType({}),
    outcome: Outcome | None = None,
    insight: Insight = NOTHING,
) -> dict[str, Any]:
    """Return all numbers of the report. Undefined ones are null.

    - `schema`: 1; `model`, `problem`, `metric`, `higher_is_better`, `unit`, `labels`
    - `test`: `rows`, and each measure by its name: `accuracy`, `macro_f1`, `log_loss` (nats), `ece`, or
      `mae`, `rmse` (in `unit`), `r2`; also `auc`, or `micro_f1` and `exact_match`, or `pinball`, `coverage` and `width`
    - `outcome`: when the run `started` and `ended` (UTC), the `version` that it became (null: refused), and the `live`
      version before it: `version`, `trained_at`, its `metric` on the same test rows with `chance`, or `why_not`
    - `summary`: of so many rows `looked_at`, the distributions of `targets` and `fields`: shares of the `train` and
      `test` rows between `edges` or by `names`, numbers of `missing` ones, whether the part `differs` beyond chance;
      `suspects`, which alone tell the target; `twins`: test rows that are `equal` to training rows
    - `slices`: of so many `rows`, those with one `value` of a field: their `rows`, `metric` with its interval `low` to
      `high`, `p`, and whether they are `worse` than the `whole` beyond chance
    - `importance`: by how much the metric is worse on so many `rows` with the values of a `field` shuffled, `mean` and
      `spread` over the `shuffles`; `left_out` and `unseen` tell what was not looked at
    - `baselines`: the metric of each baseline on the test rows, by name; `gate`: the decision of the gate;
      `lite`: what became of the lite form
    - `validation`: `protocol`, `mean` and `spread` (population standard deviation) over `folds`; each has the
      `metric`, `train_rows`, `validation_rows`, and its `stages`: Keras's history by stage
    - `compared`: `mean`, `spread` and `folds` of other recipes on the same rows, by name
    - `final`: the final training's history by stage
    - `overfitting`: by stage `epoch` of `epochs` with the lowest mean validation `loss`; `begins` if it rose again
    - `classes`: `label`, `precision`, `recall`, `f1`, `support`, `predicted`; `confusion`: counts, row = true class
    - `calibration`: bins with `low`, `high`, `rows`, mean `confidence`, `accuracy`
    - `mistakes`: the worst ones by `loss`: `row` of the test part, `true`, `answer`, `confidence`
    - `values`: `mae`, `rmse` and `r2` of each of several numbers, by name; `thresholds`: of each tag
    - `heads`: of a model with several heads, all of this that is about answers, of each but the main one, by name
    - `data` (`name`, `sha256`, `sample`, `train_rows`), `recipe` (`name`, `settings`, `seed`), `seconds`,
      `versions`, `code` (`sha256`, `git_revision`, `git_dirty`, `plumbline_revision`), `notes`
    """
    return {
        "schema": SCHEMA,
        "model": record.model,
        **_answers(record, evaluation, insight),
        "outcome": outcome,
        "gate": record.decision,
        "lite": record.lite,
        "validation": {"protocol": record.protocol, **_over(record.folds)},
        "compared": {recipe: _over(folds) for recipe, folds in record.compared.items()},
        "final": record.final,
        "overfitting": evaluation.onsets,
        "heads": {head: _answers(*other, insight) for head, other in others.items()},
        "data": {
            "name": record.data,
            "sha256": record.data_sha256,
            "sample": record.sample,
            "train_rows": record.train_rows,
        },
        "summary": insight.summary,
        "importance": insight.importance,
        "recipe": {"name": record.recipe, "settings": record.settings, "seed": record.seed},
        "seconds": record.seconds,
        "versions": record.versions,
        "code": record.code,
        "notes": record.notes,
    }


def _answers(record: RunRecord, evaluation: Evaluation, insight: Insight) -> dict[str, Any]:
    return {
        "problem": record.problem.name,
        "metric": record.metric,
        "higher_is_better": record.problem.higher_is_better,
        "unit": record.unit,
        "labels": record.labels,
        "thresholds": record.head.thresholds if isinstance(record.head, TagSet) else (),
        "test": {"rows": len(record.test_targets), **evaluation.measures},
        "values": evaluation.values,
        "baselines": record.baselines,
        "classes": evaluation.classes,
        "confusion": evaluation.confusion,
        "calibration": evaluation.bins,
        "mistakes": evaluation.mistakes,
        "slices": insight.slices.get(record.head_name),
    }


def plain(value: Any) -> Any:
    """Return dataclasses, mappings, sequences, arrays and numbers as JSON values; infinity and NaN become None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if hasattr(value, "items"):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)


def _over(folds: Sequence[FoldRecord]) -> dict[str, Any]:
    measured = metrics_of(folds)
    return {
        "mean": measured.mean() if len(measured) else None,
        "spread": measured.std() if len(measured) else None,
        "folds": folds,
    }
