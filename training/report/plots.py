"""Which figures the report of a run contains, each as a PNG with its caption."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from training.experiments.record import RunRecord
from training.problem_types import MULTILABEL
from training.report import figures, style
from training.report.curves import Onset
from training.report.exhibits import data_uri
from training.report.learning import learning_curves
from training.report.results import Evaluation, true_labels
from training.report.words import figure_of, metric_name


@dataclass(frozen=True)
class Plot:
    """A figure: its file is `<name>.png`; *alt* describes it to those who can't see it; *width* is in CSS pixels."""

    name: str
    section: str
    alt: str
    caption: str
    png: bytes = field(repr=False)
    width: int

    @property
    def uri(self) -> str:
        """The figure as a data URI."""
        return data_uri(self.png)


def plots(record: RunRecord, evaluation: Evaluation) -> Iterator[Plot]:
    """Yield the figures of a run, in the report's order."""
    yield from _learning(record, evaluation)
    if record.labels:
        yield from _labels(record, evaluation)
    else:
        yield from _values(record, evaluation)


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
    for name, key in (("loss", "loss"), ("metric", record.metric)):
        if key in known:
            drawn = learning_curves(runs, record.final, key, evaluation.onsets)
            title = f"{metric_name(key)} by epoch, training and validation"
            yield _plot(name, "curves", f"Line chart of {title}. {found}", title[0].upper() + title[1:], drawn)


def _labels(record: RunRecord, evaluation: Evaluation) -> Iterator[Plot]:
    if evaluation.confusion is not None:
        drawn = figures.confusion(evaluation.confusion, record.labels)
        right = int(evaluation.confusion.trace())
        alt = (
            f"Confusion matrix of {len(record.labels)} classes; {right:,} of {len(record.test_targets):,} are correct."
        )
        absent = " Grey rows are classes without test rows." if (evaluation.confusion.sum(axis=1) == 0).any() else ""
        yield _plot("confusion", "confusion", alt, f"Test rows by true and predicted class.{absent}", drawn)
    ece = evaluation.measures["ece"]
    drawn = figures.calibration(evaluation.bins, ece)
    of = "Each label's yes or no counts as an answer." if record.problem == MULTILABEL else ""
    caption = f"Hatched above a bar: overconfident. Hatched on a bar: underconfident. {of}"
    yield _plot("calibration", "calibration", f"Reliability diagram; ECE {ece:.3f}.", caption, drawn)
    if evaluation.probability is not None:
        drawn = figures.score_histogram(evaluation.probability, true_labels(record), record.labels)
        alt = f"Histogram of the probability of {record.labels[1]}, for the rows of each class."
        yield _plot("scores", "calibration", alt, "Left of 0.5 the answer is " + record.labels[0] + ".", drawn)


def _values(record: RunRecord, evaluation: Evaluation) -> Iterator[Plot]:
    targets, predicted = record.test_targets.reshape(-1).astype(float), record.test_scores[:, 0].astype(float)
    measures = evaluation.measures
    alt = f"Scatter plot of predicted by true value over {len(targets):,} test rows; R² {measures['r2']:.3f}."
    drawn = figures.predicted_by_true(targets, predicted, record.unit)
    yield _plot("predicted", "errors", alt, "Each point is a test row.", drawn)
    alt = f"Scatter plot and histogram of residuals; RMSE {figure_of(measures['rmse'])} {record.unit}."
    drawn = figures.residuals(targets, predicted, record.unit)
    yield _plot("residuals", "errors", alt, "Above the line the model predicts too much, below too little.", drawn)


def _plot(name: str, section: str, alt: str, caption: str, drawn: Figure) -> Plot:
    width = round(drawn.get_figwidth() * style.PIXELS_PER_INCH)
    return Plot(name, section, alt.strip(), caption.strip(), style.png(drawn), width)
