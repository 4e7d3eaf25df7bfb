"""The figure that shows the model's metric on the test rows beside those of its baselines."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from training.report.style import BLUE, GREY, INK, SMALL, dress, figure, short
from training.report.words import figure_of

MOST_LETTERS = 36
"""Longer names of baselines are cut."""


def comparison(own: tuple[str, float], baselines: Mapping[str, float], measure: str) -> Figure:
    """Draw the metric called *measure* of the model, *own*, above those of its *baselines*; one not finite has no bar.

    A bar says its number, so that it need not be read off the axis.
    """
    names, values = zip(own, *baselines.items(), strict=True)
    drawn = figure(5.8, 1.1 + 0.38 * len(names))
    axes = dress(drawn.add_subplot(), measure, "", grid=False)
    lengths = np.nan_to_num(np.array(values, float), posinf=0, neginf=0)
    bars = axes.barh(range(len(names)), lengths, 0.7, color=[BLUE, *[GREY] * len(baselines)])
    axes.bar_label(bars, [figure_of(value) for value in values], padding=4, fontsize=SMALL, color=INK)
    axes.set_yticks(range(len(names)), [short(name, MOST_LETTERS) for name in names], fontsize=SMALL)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    return drawn
