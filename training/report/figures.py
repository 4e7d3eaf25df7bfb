"""Figures of a model's answers, drawn from arrays; `style.svg` encodes them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from training.report.measures import Bin
from training.report.style import BLUE, GREY, GRID, INK, ORANGE, SHADES, SMALL, dress, figure, legend, short


def confusion(matrix: np.ndarray) -> Figure:
    """Draw `int[classes, classes]` (row = true class) of many classes, which have numbers only.

    Colour is the share of the true class.
    """
    drawn = figure(9.5, 8.5)
    axes = dress(drawn.add_subplot(), "predicted: number of the class", "true: number of the class", grid=False)
    support = matrix.sum(axis=1, keepdims=True)
    shares = np.ma.masked_array(matrix / np.maximum(support, 1), np.broadcast_to(support == 0, matrix.shape))
    axes.set_facecolor(GRID)  # shows where a class has no rows
    # The square root makes rare confusions visible: 1 % gets a tenth of the colour, not a hundredth.
    # Not imshow, which takes 80 MB to scale ten classes to the size of the figure.
    edges = np.arange(len(matrix) + 1) - 0.5
    cells = axes.pcolormesh(edges, edges, shares, cmap=SHADES, norm=PowerNorm(0.5, 0, 1), rasterized=True)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    bar = drawn.colorbar(
        cells,
        ax=axes,
        shrink=0.8,
        aspect=30,
        pad=0.02,
        ticks=[0, 0.01, 0.1, 0.25, 0.5, 1],
        format=PercentFormatter(1, 0),
    )
    bar.set_label("share of the true class", fontsize=SMALL, color=INK)
    bar.ax.tick_params(labelsize=SMALL, colors=INK, length=3)
    bar.outline.set_visible(False)
    return drawn


def predicted_by_true(targets: np.ndarray, predicted: np.ndarray, unit: str) -> Figure:
    """Draw the predicted by the true value of each test row, and the line on which they should lie."""
    drawn = figure(5.2, 4.4)
    axes = dress(drawn.add_subplot(), f"true{_in(unit)}", f"predicted{_in(unit)}", "Predicted by true value")
    _scatter(axes, targets, predicted)
    ends = [float(np.nanmin([targets, predicted])), float(np.nanmax([targets, predicted]))]
    axes.plot(ends, ends, color=INK, linewidth=1.2, linestyle="--", label="predicted = true")
    legend(drawn)
    return drawn


def residuals(targets: np.ndarray, predicted: np.ndarray, unit: str) -> Figure:
    """Draw the errors by predicted value, with the band that contains 90 % of them, and their histogram."""
    drawn = figure(5.2, 4.4)
    left, right = drawn.subplots(1, 2, sharey=True, width_ratios=[4, 1])
    dress(left, f"predicted{_in(unit)}", f"residual: predicted - true{_in(unit)}", "Residuals")
    dress(right, "rows", "")
    errors = predicted - targets
    low, high = np.percentile(errors, [5, 95])
    _scatter(left, predicted, errors)
    left.axhspan(low, high, color=BLUE, alpha=0.1, linewidth=0, label=f"90 %: {low:+.3g} to {high:+.3g}")
    left.axhline(0, color=INK, linewidth=1.2, linestyle="--")
    right.hist(errors, bins=30, orientation="horizontal", color=BLUE)
    right.tick_params(labelleft=False)
    legend(drawn)
    return drawn


def calibration(bins: Sequence[Bin], error: float) -> Figure:
    """Draw a reliability diagram: the share of correct answers by confidence, above the number of answers."""
    drawn = figure(5.2, 4.4)
    upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    dress(upper, "", "share correct", f"Calibration: ECE {error:.3f}")
    dress(lower, "confidence", "answers")
    filled = [each for each in bins if each.rows]
    middles, width = [(each.low + each.high) / 2 for each in filled], 0.92 * (bins[0].high - bins[0].low)
    correct = np.array([each.accuracy for each in filled])
    gap = np.array([each.confidence for each in filled]) - correct
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": ORANGE, "hatch": "////"}
    upper.bar(middles, correct, width, color=BLUE, label="correct answers")
    upper.bar(middles, gap, width, correct, label="gap to the confidence", **look)
    upper.plot([0, 1], [0, 1], color=INK, linewidth=1.2, linestyle="--", label="correct = confidence")
    lower.bar(middles, [each.rows for each in filled], width, color=GREY)
    upper.set_xlim(min(each.low for each in filled) - 0.01, 1.01)
    upper.set_ylim(0, 1.02)
    legend(drawn)
    return drawn


def score_histogram(probability: np.ndarray, targets: np.ndarray, labels: Sequence[str]) -> Figure:
    """Draw the distribution of a binary model's probability, for the rows of each class."""
    drawn = figure(5.2, 4.4)
    axes = dress(drawn.add_subplot(), f"probability of {labels[1]}", "test rows", "Scores by true class")
    edges = np.linspace(0, 1, 31).tolist()
    named = []
    for index, color, hatch in ((0, BLUE, ""), (1, ORANGE, "////")):
        look: dict[str, Any] = {"facecolor": f"{color}55", "edgecolor": color, "hatch": hatch, "linewidth": 1.4}
        axes.hist(probability[targets == index], edges, histtype="stepfilled", **look)
        named.append((axes.patches[-1], short(labels[index])))
    axes.axvline(0.5, color=INK, linewidth=1.2, linestyle="--")
    axes.set_xlim(0, 1)
    legend(drawn, named)
    return drawn


def _scatter(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    alpha = float(np.clip(150 / len(x), 0.12, 0.6))
    axes.scatter(x, y, s=22, color=BLUE, alpha=alpha, linewidths=0, rasterized=True)


def _in(unit: str) -> str:
    return f" ({unit})" if unit else ""
