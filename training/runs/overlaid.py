"""The learning curves of two runs over each other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.experiments.record import Stages
from training.report.curves import line, mean_line, spans
from training.report.learning import scale
from training.report.style import BLUE, ORANGE, dress, figure, legend
from training.report.words import metric_name
from training.runs.run import Run

_LOOKS: tuple[tuple[str, str, dict[str, Any]], ...] = (("A", BLUE, {}), ("B", ORANGE, {"dashes": (5, 1.5)}))


def overlaid_curves(runs: Sequence[Run]) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of loss and metric by epoch, each with what it shows; none of what no run has recorded."""
    metric = runs[0].metric
    keys = [(_key(run.document["final"], "loss"), _key(run.document["final"], metric)) for run in runs]
    for number, name in enumerate(("loss", metric_name(metric))):
        if any(of_run[number] for of_run in keys):
            yield name, _overlaid(runs, [of_run[number] for of_run in keys], name)


def _overlaid(runs: Sequence[Run], keys: Sequence[str], name: str) -> Figure:
    drawn = figure(5.2, 3.7)
    axes = dress(drawn.add_subplot(), "epoch", name)
    curves = []
    for run, key, (letter, color, dashes) in zip(runs, keys, _LOOKS, strict=True):
        folds, final = [fold["stages"] for fold in run.document["validation"]["folds"]], run.document["final"]
        for span in spans([*folds, final]):
            validated, trained = mean_line(folds, span, f"val_{key}"), line(final, span, key)
            _draw(axes, validated, f"{letter}, validation", color=color, linewidth=2.2, **dashes)
            _draw(axes, trained, f"{letter}, training on all rows", color=color, linewidth=1.2, linestyle=":")
            curves += [validated[1], trained[1]]
    scale(axes, curves)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend(drawn)
    return drawn


def _draw(axes: Axes, drawn: tuple[np.ndarray, np.ndarray], name: str, **look: Any) -> None:
    epochs, values = drawn
    if len(values):
        known = axes.get_legend_handles_labels()[1]
        marker = "o" if len(values) == 1 else ""  # a line of one point is not seen
        axes.plot(epochs, values, label=f"_{name}" if name in known else name, marker=marker, markersize=5, **look)


def _key(final: Stages | Mapping[str, Mapping[str, Sequence[float]]], wanted: str) -> str:
    """Return the name that the curves of the main head's metric have, "" if there are none."""
    names = [name for curves in final.values() for name in curves if not name.startswith("val_")]
    found = [name for name in names if name == wanted or (wanted != "loss" and name.endswith(f"_{wanted}"))]
    return found[0] if found else ""
