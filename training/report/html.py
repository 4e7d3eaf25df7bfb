"""`report.html`: collects what the template needs from a run's record."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2

from training.experiments.record import RunRecord
from training.insight.insight import NOTHING, Insight
from training.report.confusion import MOST_CLASSES, shaded
from training.report.exhibits import Exhibit, exhibit
from training.report.histograms import bars, shown, told
from training.report.metrics_json import plain
from training.report.outcome import Outcome
from training.report.plots import Plot, onset_sentence
from training.report.results import Evaluation, Mistake
from training.report.scale import scale
from training.report.tables import (
    BaselineResult,
    baseline_results,
    flattened,
    live_result,
    recipe_results,
    stage_results,
)
from training.report.words import MEANINGS, duration, figure_of, metric_name, moment, percent, share_of

TEMPLATE = "report.html.j2"


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
    outcome: Outcome | None = None,
    insight: Insight = NOTHING,
) -> str:
    """Return the page: a single file without scripts, which loads nothing from elsewhere.

    *others* are those of further heads, by name. *outcome* is what became of the run, if that is known, and *insight*
    what else was looked at.
    """
    return _template().render(
        run=record,
        evaluation=evaluation,
        main=_section(record, evaluation, plots),
        most_classes=MOST_CLASSES,
        outcome=outcome,
        insight=insight,
        live=live_result(record, evaluation, outcome.live if outcome else None),
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


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # reviews, labels and settings are untrusted text
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template(TEMPLATE)


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
    "bars": bars,
    "figure": figure_of,
    "duration": duration,
    "metric": metric_name,
    "moment": moment,
    "percent": percent,
    "scale": scale,
    "setting": _setting,
    "shaded": shaded,
    "share": share_of,
    "shown": shown,
    "told": told,
}
