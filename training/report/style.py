"""The look of all figures: one palette, one font size, light background. No pyplot, so no state outlives a figure."""

import gc
import io
import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PIXELS_PER_INCH = 100
"""CSS pixels per inch at which a figure is shown: 10 points are 14 pixels."""

SHARPNESS = 2
"""Pixels of the PNG per CSS pixel, for high-resolution screens."""

# Okabe and Ito's colours, distinguishable with any colour vision (jfly.uni-koeln.de/color); lines also differ in
# their dashes.
BLUE, ORANGE, GREEN, GREY, INK, GROUND = "#0072b2", "#d55e00", "#00795a", "#6b7280", "#1f2937", "#ffffff"
GRID = "#e5e7eb"
SHADES = "Blues"

TEXT, SMALL, TITLE = 10, 9, 11


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size, in inches."""
    return Figure(figsize=(width, height), layout="constrained", facecolor=GROUND)


def dress(axes: Axes, x: str, y: str, title: str = "", grid: bool = True) -> Axes:
    """Label the axes, and remove lines that carry no data. Return *axes*."""
    axes.set_xlabel(plain(x), fontsize=TEXT, color=INK)
    axes.set_ylabel(plain(y), fontsize=TEXT, color=INK)
    if title:
        axes.set_title(plain(title), fontsize=TITLE, color=INK, loc="left", fontweight="bold")
    axes.tick_params(labelsize=SMALL, colors=INK, length=3, color=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(color=GRID, linewidth=0.8)
    return axes


def legend(drawn: Figure) -> None:
    """Add a legend below the axes, where it hides nothing."""
    drawn.legend(loc="outside lower center", ncols=2, fontsize=SMALL, labelcolor=INK, frameon=False)


def plain(text: str) -> str:
    """Return *text* escaped, so that dollar signs don't make it a formula."""
    return text.replace("$", r"\$")


def short(text: str, width: int = 22) -> str:
    """Return *text*, shortened if it is too long for an axis, and escaped."""
    return plain(textwrap.shorten(text, width, placeholder="…") if " " in text else text[:width])


def png(drawn: Figure) -> bytes:
    """Return the figure as a PNG."""
    gc.collect()  # earlier figures are in reference cycles with their canvases: a few MB each
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=PIXELS_PER_INCH * SHARPNESS, metadata={"Software": None})
    return buffer.getvalue()
