"""How all figures look: one palette, one size of type, light ground. No pyplot, so no state that outlives a figure."""

import gc
import io
import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PIXELS_PER_INCH = 100
"""At its natural width a figure is shown with so many CSS pixels an inch: 10 points are 14 pixels."""

SHARPNESS = 2
"""Pixels of the PNG for each CSS pixel, for screens that have them."""

# Okabe and Ito's colours, which people with any colour vision tell apart (jfly.uni-koeln.de/color); lines differ in
# their dashes as well.
BLUE, ORANGE, GREEN, GREY, INK, GROUND = "#0072b2", "#d55e00", "#00795a", "#6b7280", "#1f2937", "#ffffff"
GRID = "#e5e7eb"
SHADES = "Blues"

TEXT, SMALL, TITLE = 10, 9, 11


def figure(width: float, height: float) -> Figure:
    """Make an empty figure of so many inches."""
    return Figure(figsize=(width, height), layout="constrained", facecolor=GROUND)


def dress(axes: Axes, x: str, y: str, title: str = "", grid: bool = True) -> Axes:
    """Name the axes and take away what carries no data."""
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
    """Name what is drawn, below the axes: there it hides nothing."""
    drawn.legend(loc="outside lower center", ncols=2, fontsize=SMALL, labelcolor=INK, frameon=False)


def plain(text: str) -> str:
    """Keep a text from being read as a formula: prices have dollar signs."""
    return text.replace("$", r"\$")


def short(text: str, width: int = 22) -> str:
    """Cut a long label for an axis."""
    return plain(textwrap.shorten(text, width, placeholder="…") if " " in text else text[:width])


def png(drawn: Figure) -> bytes:
    """Draw the figure."""
    gc.collect()  # those before it are in cycles with their canvases, whose pixels would wait: a few MB each
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=PIXELS_PER_INCH * SHARPNESS, metadata={"Software": None})
    return buffer.getvalue()
