"""The look of all figures: one palette, one font size. No pyplot, so no state outlives a figure."""

import io
import textwrap
import warnings
from collections.abc import Sequence

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PIXELS_PER_INCH = 100
"""CSS pixels per inch at which a figure is shown: 10 points are 14 pixels."""

SHARPNESS = 2
"""Pixels per CSS pixel of what is drawn in pixels, for high-resolution screens."""

# Okabe and Ito's colours, distinguishable with any colour vision (jfly.uni-koeln.de/color); lines also differ in
# their dashes.
BLUE, ORANGE, GREEN, GREY, INK, GROUND = "#0072b2", "#d55e00", "#00795a", "#6b7280", "#1f2937", "#ffffff"
GRID = "#e5e7eb"
SHADES = "Blues"

TEXT, SMALL, TITLE = 10, 9, 11

_DARK = {
    INK: "#e6e9ee",
    GREY: "#a9b1bd",
    GRID: "#3a414c",
    GROUND: "#1d2128",
    BLUE: "#4aa3df",
    ORANGE: "#ff9f6b",
    GREEN: "#5fd0ae",
}
"""What each colour is on a dark screen."""
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


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


def legend(drawn: Figure, named: Sequence[tuple[Artist, str]] = ()) -> None:
    """Add a legend below the axes, where it hides nothing.

    It is of what has a label that does not begin with an underscore, or of what is *named*, whatever its name.
    """
    entries = {"handles": [artist for artist, _ in named], "labels": [name for _, name in named]} if named else {}
    drawn.legend(**entries, loc="outside lower center", ncols=2, fontsize=SMALL, labelcolor=INK, frameon=False)


def plain(text: str) -> str:
    """Return *text* escaped, so that dollar signs don't make it a formula."""
    return text.replace("$", r"\$")


def short(text: str, width: int = 22) -> str:
    """Return *text*, shortened if it is too long for an axis, and escaped."""
    return plain(textwrap.shorten(text, width, placeholder="…") if " " in text else text[:width])


def svg(drawn: Figure) -> bytes:
    """Return the figure as SVG, which is light or dark as the reader's screen is.

    Text stays text, so that the browser draws it, in any script. Points are pixels where there are many.
    """
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "plumbline"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # only the browser needs to have it
        if engine := drawn.get_layout_engine():
            engine.execute(drawn)
            drawn.set_layout_engine(None)  # with one, savefig draws twice: first to lay out
        drawn.savefig(buffer, format="svg", dpi=PIXELS_PER_INCH * SHARPNESS, metadata=_NO_METADATA)
    return _themed(buffer.getvalue().decode()).encode()


def _themed(text: str) -> str:
    """Return the SVG with a variable for each colour, named like the one for light screens."""
    light, dark = (
        "".join(f"--{name[1:]}: {value}; " for name, value in colours.items())
        for colours in ({name: name for name in _DARK}, _DARK)
    )
    for colour in _DARK:
        text = text.replace(f": {colour}", f": var(--{colour[1:]})")
    rules = f":root {{ {light}}} @media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}"
    return text.replace("<defs>", f"<style>{rules}</style><defs>", 1)
