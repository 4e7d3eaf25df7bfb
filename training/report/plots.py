"""Which figures the report of a run contains, each as SVG with its caption."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure

from serving.contract.heads import Values
from training.experiments.record import RunRecord
from training.problem_types import Multilabel
from training.report import figures, style
from training.report.comparison import comparison
from training.report.confusion import MOST_CLASSES
from training.report.curves import Onset
from training.report.exhibits import data_uri
from training.report.learning import learning_curves
from training.report.results import Evaluation, predicted_values
from training.report.words import figure_of, metric_name

MAX_DRAWN_VALUES = 6
"""Maximum number of values of one head that get figures."""


@dataclass(frozen=True)
class Plot:
    """A figure: its file is `<name>.svg`; *alt* describes it to those who can't see it; *width* is in CSS pixels.

    *head* is empty for what is about the whole run or its main head.
    """

    name: str
    section: str
    alt: str
    caption: str
    svg: bytes = field(repr=False)
    width: int
    head: str = ""

    @property
    def uri(self) -> str:
        """The figure as a data URI."""
        return data_uri(self.svg, "image/svg+xml")


def plots(
    record: RunRecord, evaluation: Evaluation, others: Mapping[str, tuple[RunRecord, Evaluation]] = MappingProxyType({})
) -> Iterator[Plot]:
    """Yield the figures of a run, in the report's order; those of *others* are of further heads, by name."""
    yield from _learning(record, evaluation)
    yield from _answers(record, evaluation)
    for head, (other, of_head) in others.items():
        for plot in _answers(other, of_head):
            yield replace(plot, name=f"{head}-{plot.name}", head=head)


def _answers(record: RunRecord, evaluation: Evaluation) -> Iterator[Plot]:
    if len(record.baselines) > 1:  # the naive one alone is told by its row of the table
        yield _compared(record, evaluation)
    if record.labels:
        yield from _labels(record, evaluation)
    else:
        yield from _values(record, evaluation)


def _compared(record: RunRecord, evaluation: Evaluation) -> Plot:
    measure = metric_name(record.metric)
    own = (f"{record.model}, recipe {record.recipe}", evaluation.measures[record.metric])
    told = "; ".join(f"{name} {figure_of(value)}" for name, value in [own, *record.baselines.items()])
    better = "Longer" if record.problem.higher_is_better else "Shorter"
    of_unit = f"{measure} ({record.unit})" if record.unit else measure
    drawn = comparison(own, record.baselines, of_unit)
    return _plot("compared", "compared", f"Bar chart of {measure}: {told}.", f"{better} bars are better.", drawn)


def onset_sentence(onset: Onset, stages: int) -> str:
    """Return a sentence on whether and when a stage began to overfit."""
    where = f"{onset.stage}: validation" if stages > 1 else "Validation"
    loss = figure_of(onset.loss)
    drawn = f" ({onset.position} in the figure)" if onset.position != onset.epoch else ""
    if onset.begins:
        return (
            f"{where} loss was lowest ({loss}) after epoch {onset.epoch} of {onset.epochs}{drawn}; "
            "from there on the model overfits."
        )
    return f"{where} loss was still falling at epoch {onset.epochs}, the last ({loss}): no overfitting yet."


def _learning(record: RunRecord, evaluation: Evaluation) -> Iterator[Plot]:
    runs = [fold.stages for fold in record.folds]
    found = " ".join(onset_sentence(onset, len(evaluation.onsets)) for onset in evaluation.onsets)
    known = {key for run in [*runs, record.final] for curves in run.values() for key in curves}
    of_head = f" of {record.head_name}" if record.head_name else ""
    for name, key, measure in (
        ("loss", "loss", "loss"),
        ("metric", record.curve, metric_name(record.metric) + of_head),
    ):
        if key in known:
            drawn = learning_curves(runs, record.final, key, measure, evaluation.onsets)
            title = f"{measure} by epoch, training{' and validation' if runs else ''}"
            yield _plot(name, "curves", f"Line chart of {title}. {found}", title[0].upper() + title[1:], drawn)


def _labels(record: RunRecord, evaluation: Evaluation) -> Iterator[Plot]:
    if evaluation.confusion is not None and len(record.labels) > MOST_CLASSES:  # of fewer, the page has a table
        drawn = figures.confusion(evaluation.confusion)
        right = int(evaluation.confusion.trace())
        alt = (
            f"Confusion matrix of {len(record.labels)} classes; {right:,} of {len(record.test_targets):,} are correct."
        )
        absent = " Grey rows are classes without test rows." if (evaluation.confusion.sum(axis=1) == 0).any() else ""
        yield _plot("confusion", "confusion", alt, f"Test rows by true and predicted class.{absent}", drawn)
    ece = evaluation.measures["ece"]
    drawn = figures.calibration(evaluation.bins, ece)
    of = "Each tag's yes or no counts as an answer." if isinstance(record.problem, Multilabel) else ""
    caption = f"Hatched above a bar: overconfident. Hatched on a bar: underconfident. {of}"
    yield _plot("calibration", "calibration", f"Reliability diagram; ECE {ece:.3f}.", caption, drawn)
    if evaluation.probability is not None:
        drawn = figures.score_histogram(evaluation.probability, record.test_targets, record.labels)
        alt = f"Histogram of the probability of {record.labels[1]}, for the rows of each class."
        yield _plot("scores", "calibration", alt, "Left of 0.5 the answer is " + record.labels[0] + ".", drawn)


def _values(record: RunRecord, evaluation: Evaluation) -> Iterator[Plot]:
    if not isinstance(record.head, Values):
        yield from _value(
            record.test_targets.reshape(-1).astype(float), predicted_values(record), evaluation.measures, record.unit
        )
        return
    columns = zip(record.head.names, record.head.units, record.test_targets.T, record.test_scores.T, strict=True)
    for number, (name, unit, targets, predicted) in enumerate(itertools.islice(columns, MAX_DRAWN_VALUES), start=1):
        for plot in _value(targets.astype(float), predicted.astype(float), evaluation.values[name], unit):
            yield replace(plot, name=f"{plot.name}-{number}", caption=f"{name}. {plot.caption}")


def _value(targets: np.ndarray, predicted: np.ndarray, measures: Mapping[str, float], unit: str) -> Iterator[Plot]:
    alt = f"Scatter plot of predicted by true value over {len(targets):,} test rows; R² {measures['r2']:.3f}."
    drawn = figures.predicted_by_true(targets, predicted, unit)
    yield _plot("predicted", "errors", alt, "Each point is a test row.", drawn)
    alt = f"Scatter plot and histogram of residuals; RMSE {figure_of(measures['rmse'])} {unit}."
    drawn = figures.residuals(targets, predicted, unit)
    yield _plot("residuals", "errors", alt, "Above the line the model predicts too much, below too little.", drawn)


def _plot(name: str, section: str, alt: str, caption: str, drawn: Figure) -> Plot:
    width = round(drawn.get_figwidth() * style.PIXELS_PER_INCH)
    return Plot(name, section, alt.strip(), caption.strip(), style.svg(drawn), width)
