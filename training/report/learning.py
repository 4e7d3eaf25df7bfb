"""The figure of learning curves: folds, their mean, the final training, and the epoch where overfitting begins."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from training.experiments.record import Stages
from training.report.curves import Onset, Span, line, mean_line, spans
from training.report.style import BLUE, GREEN, GREY, INK, ORANGE, SMALL, dress, figure, legend, short

STEEP = 20
"""A loss that falls by more than this factor gets a logarithmic axis: on a linear one, its end would look flat."""

ROW_POINTS = 13
"""Height of the row that each marked epoch has above the axes, in points: in one row, their labels would overlap."""


def learning_curves(folds: Sequence[Stages], final: Stages, key: str, name: str, onsets: Sequence[Onset]) -> Figure:
    """Draw *key*, which is called *name*, by epoch.

    Each fold is thin, their mean bold, the final training dotted, and the lowest loss marked.
    """
    drawn = figure(5.2, 3.7)
    axes = dress(drawn.add_subplot(), "epoch", name)
    laid = spans([*folds, final])
    for line_key, color, dashes in ((key, BLUE, (4, 1.5)), (f"val_{key}", ORANGE, (None, None))):
        side = "validation" if line_key.startswith("val_") else "training"
        _draw_side(axes, folds, laid, line_key, (side, color, dashes))
    for span in laid:
        _draw_line(axes, line(final, span, key), "final training, all rows", color=GREY, linewidth=1.4, linestyle=":")
    scale(axes, [line(run, span, name)[1] for run in folds for span in laid for name in (key, f"val_{key}")])
    for row, onset in enumerate(onsets):
        _mark_onset(axes, onset, row)
    _mark_stages(axes, laid, len(onsets))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend(drawn)
    return drawn


def _draw_side(
    axes: Axes, folds: Sequence[Stages], laid: Sequence[Span], key: str, look: tuple[str, str, tuple[float | None, ...]]
) -> None:
    side, color, dashes = look
    for span in laid:
        thin = [line(fold, span, key) for fold in folds] if len(folds) > 1 else []
        for drawn in thin:
            _draw_line(axes, drawn, "", color=color, linewidth=0.8, alpha=0.35)
        name = f"{side}, mean of {len(folds)} folds" if thin else side
        options = {"dashes": dashes} if dashes[0] else {}
        _draw_line(axes, mean_line(folds, span, key), name, color=color, linewidth=2.2, **options)


def _draw_line(axes: Axes, drawn: tuple[np.ndarray, np.ndarray], name: str, **options: Any) -> None:
    epochs, values = drawn
    if not len(values):
        return
    known = axes.get_legend_handles_labels()[1]
    label = f"_{name}" if name in known or not name else name  # an underscore keeps it out of the legend
    axes.plot(epochs, values, label=label, marker="o" if len(values) == 1 else "", markersize=5, **options)


def _mark_onset(axes: Axes, onset: Onset, row: int) -> None:
    axes.axvline(onset.position, color=GREEN, linewidth=1.6, linestyle="-.")
    words = "overfits after epoch" if onset.begins else "lowest validation loss: epoch"
    _write_above(axes, f"{words} {onset.position}", onset.position, row, GREEN)


def _mark_stages(axes: Axes, laid: Sequence[Span], row: int) -> None:
    if len(laid) < 2:
        return
    for number, span in enumerate(laid):
        if number:
            axes.axvline(span.start + 0.5, color=GREY, linewidth=1)
        _write_above(axes, short(span.stage), span.start + (span.epochs + 1) / 2, row, INK)


def _write_above(axes: Axes, text: str, epoch: float, row: int, color: str) -> None:
    # Centred, the labels of the first and last epochs would cross the edge.
    place = np.interp(epoch, axes.get_xlim(), (0, 1))
    axes.annotate(
        text,
        (epoch, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3 + row * ROW_POINTS),
        textcoords="offset points",
        ha="left" if place < 0.25 else "right" if place > 0.75 else "center",
        va="bottom",
        fontsize=SMALL,
        color=color,
        annotation_clip=False,
    )


def scale(axes: Axes, curves: Sequence[np.ndarray]) -> None:
    """Give *axes* a logarithmic scale if the *curves* fall steeply."""
    values = np.concatenate([np.empty(0), *curves])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() / values.min() > STEEP:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
