"""`report.html`: collects what the template needs from a run's record."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2

from training.experiments.record import RunRecord, Stages, metrics_of
from training.report.curves import lowest
from training.report.exhibits import Exhibit, exhibit
from training.report.metrics_json import plain
from training.report.plots import Plot, onset_sentence
from training.report.results import Evaluation, Mistake
from training.report.words import MEANINGS, duration, figure_of, metric_name, share_of

TEMPLATE = "report.html.j2"


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


@dataclass(frozen=True)
class Section:
    """What the page says of the answers of one head."""

    run: RunRecord
    evaluation: Evaluation
    baselines: Sequence[BaselineResult]
    plots: Mapping[str, Sequence[Plot]]

    @property
    def value(self) -> float:
        """The head's metric on the test rows."""
        return self.evaluation.measures[self.run.metric]


def render(
    record: RunRecord,
    evaluation: Evaluation,
    plots: Sequence[Plot],
    others: Mapping[str, tuple[RunRecord, Evaluation]] = MappingProxyType({}),
) -> str:
    """Return the page: a single file without scripts, which loads nothing from elsewhere.

    *others* are those of further heads, by name.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # reviews, labels and settings are untrusted text
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template(TEMPLATE).render(
        run=record,
        evaluation=evaluation,
        main=_section(record, evaluation, plots),
        others={
            head: _section(*other, [plot for plot in plots if plot.head == head]) for head, other in others.items()
        },
        meanings=_meanings([evaluation, *(of_head for _, of_head in others.values())]),
        onsets=[onset_sentence(onset, len(evaluation.onsets)) for onset in evaluation.onsets],
        stages=stage_results(record),
        recipes=recipe_results(record),
        settings=flattened(record.settings),
        protocol={name: value for name, value in record.protocol.items() if name != "name"},
        mistakes=[(mistake, _shown(record, mistake)) for mistake in evaluation.mistakes],
    )


def baseline_results(record: RunRecord, evaluation: Evaluation) -> list[BaselineResult]:
    """Return how the model compares with each baseline."""
    own, sign = evaluation.measures[record.metric], 1 if record.problem.higher_is_better else -1
    return [BaselineResult(name, value, sign * (own - value)) for name, value in record.baselines.items()]


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


def _meanings(evaluations: Sequence[Evaluation]) -> Mapping[str, str]:
    measured = dict.fromkeys(name for evaluation in evaluations for name in evaluation.measures)
    return {name: MEANINGS[name] for name in measured if name in MEANINGS}


def _section(record: RunRecord, evaluation: Evaluation, plots: Sequence[Plot]) -> Section:
    own = [plot for plot in plots if plot.head in ("", record.head_name)]
    return Section(record, evaluation, baseline_results(record, evaluation), _by_section(own))


def _by_section(plots: Sequence[Plot]) -> Mapping[str, list[Plot]]:
    sections = ("compared", "curves", "confusion", "errors", "calibration")
    return {section: [plot for plot in plots if plot.section == section] for section in sections}


def _shown(record: RunRecord, mistake: Mistake) -> Exhibit:
    return exhibit(record.test_instances[mistake.row])


def _setting(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)


FILTERS = {
    "figure": figure_of,
    "duration": duration,
    "metric": metric_name,
    "setting": _setting,
    "share": share_of,
}
