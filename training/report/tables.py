"""The tables of `report.html`: how the model compares with others, and what the stages of each recipe ended with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.experiments.record import RunRecord, Stages, metrics_of
from training.report.curves import lowest
from training.report.outcome import Live
from training.report.results import Evaluation


@dataclass(frozen=True)
class BaselineResult:
    """A baseline's metric on the test rows; *gain* is how much better the model is."""

    name: str
    value: float
    gain: float


@dataclass(frozen=True)
class StageResult:
    """One stage of a recipe, averaged over folds: at its best epoch by validation loss, if it was validated.

    *ended* is the validation metric after its last epoch, where the next stage begins.
    """

    recipe: str
    name: str
    epochs: float
    loss: float | None
    metric: float | None
    ended: float | None


@dataclass(frozen=True)
class RecipeResult:
    """Metric of a recipe's finished models on validation rows: mean and standard deviation over the folds."""

    recipe: str
    mean: float
    spread: float


def baseline_results(record: RunRecord, evaluation: Evaluation) -> list[BaselineResult]:
    """Return how the model compares with each baseline."""
    own, sign = evaluation.measures[record.metric], 1 if record.problem.higher_is_better else -1
    return [BaselineResult(name, value, sign * (own - value)) for name, value in record.baselines.items()]


def live_result(record: RunRecord, evaluation: Evaluation, live: Live | None) -> BaselineResult | None:
    """Return how the model compares with the version that was live, if that answered the same rows."""
    if live is None or live.metric is None:
        return None
    own, sign = evaluation.measures[record.metric], 1 if record.problem.higher_is_better else -1
    return BaselineResult(f"live version {live.version}", live.metric, sign * (own - live.metric))


def stage_results(record: RunRecord) -> list[StageResult]:
    """Return the result of each recipe's stages, averaged over the folds."""
    results = []
    for recipe, folds in record.validated.items():
        runs = [fold.stages for fold in folds]
        names = dict.fromkeys(name for run in runs for name in run)
        results += [_stage_result(recipe, name, runs, record.curve) for name in names]
    return results


def recipe_results(record: RunRecord) -> list[RecipeResult]:
    """Return the metric of each recipe's finished models on the validation rows of their folds."""
    measured = {recipe: metrics_of(folds) for recipe, folds in record.validated.items() if folds}
    return [RecipeResult(recipe, float(each.mean()), float(each.std())) for recipe, each in measured.items()]


def flattened(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return nested settings under dotted names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        inner = isinstance(value, Mapping) and value
        flat |= flattened(value, f"{before}{name}.") if inner else {f"{before}{name}": value}
    return flat


def _stage_result(recipe: str, name: str, runs: Sequence[Stages], metric: str) -> StageResult:
    curves = [run[name] for run in runs if run.get(name, {}).get("loss")]
    validated = [each for each in curves if each.get("val_loss")]
    best = [lowest(each["val_loss"]) for each in validated]
    measured = [
        (each[f"val_{metric}"], at) for each, at in zip(validated, best, strict=True) if f"val_{metric}" in each
    ]
    return StageResult(
        recipe,
        name,
        _mean([len(each["loss"]) for each in curves]) or 0,
        _mean([each["val_loss"][at] for each, at in zip(validated, best, strict=True)]),
        _mean([values[at] for values, at in measured]),
        _mean([values[-1] for values, _ in measured]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
