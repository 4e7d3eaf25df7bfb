"""A dashboard drawn by matplotlib, where no Grafana is at hand: its panels, places, units, legends and thresholds."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import matplotlib.ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.monitoring.dashboards import Panel, named
from tests.monitoring.prometheus import Series

COLUMNS = 24
UNIT_INCHES = (0.68, 0.36)
"""Of a dashboard's grid: wide and high."""

COLORS = ["#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#705da0", "#37872d", "#fade2a"]
NAMED = {"green": "#56a64b", "yellow": "#f2cc0c", "orange": "#ff9830", "red": "#e02f44"}
LEGENDS = 8
"""More would not fit below a panel."""

INK, FAINT, PAPER = "#24292e", "#8e9297", "#f4f5f5"

Ask = Callable[[str], list[Series]]
Box = tuple[float, float, float, float]
Found = list[tuple[str, Series]]
"""Legends and series."""


def draw(panels: Sequence[Panel], ask: Ask, span: tuple[float, float], path: Path) -> None:
    """Write the PNG, of what happened within *span*, in Unix seconds."""
    bottom = max(panel.json["gridPos"]["y"] + panel.json["gridPos"]["h"] for panel in panels)
    width, height = UNIT_INCHES
    figure = Figure((COLUMNS * width, bottom * height), dpi=100, facecolor=PAPER)
    rows = {panel.row: panel.json["gridPos"]["y"] for panel in reversed(panels)}
    for row, y in rows.items():
        figure.text(0.01, 1 - (y - 0.25) / bottom, row, fontsize=13, weight="bold", color=INK)
    for panel in panels:
        at = panel.json["gridPos"]
        box = (at["x"] / COLUMNS, 1 - (at["y"] + at["h"]) / bottom, at["w"] / COLUMNS, at["h"] / bottom)
        drawn = _number if panel.json["type"] == "stat" else _lines
        found = [(legend, series) for expr, legend in panel.queries for series in ask(expr)]
        drawn(figure, panel, box, found).set_xlim(span)
    figure.savefig(path)


def _inner(figure: Figure, box: Box, margins: Box) -> Axes:
    """Give axes on a white card in *box*, with *margins* in inches: left, bottom, right, top."""
    x, y, w, h = box
    width, height = figure.get_size_inches()
    gap = 0.06
    card = (x + gap / width, y + gap / height, w - 2 * gap / width, h - 2 * gap / height)
    figure.add_axes(card, facecolor="white", xticks=[], yticks=[]).spines[:].set_color("#dcdee1")
    left, bottom, right, top = margins
    return figure.add_axes(
        (x + left / width, y + bottom / height, w - (left + right) / width, h - (bottom + top) / height),
        facecolor="none",
    )


def _title(figure: Figure, panel: Panel, box: Box) -> None:
    width, height = figure.get_size_inches()
    x, y = box[0] + 0.2 / width, box[1] + box[3] - 0.18 / height
    figure.text(x, y, panel.json["title"], fontsize=11, color=INK, va="top")


def _number(figure: Figure, panel: Panel, box: Box, found: Found) -> Axes:
    axes = _inner(figure, box, (0.1, 0.1, 0.1, 0.1))
    axes.set_axis_off()
    _title(figure, panel, box)
    ((_, series),) = found
    value = series.values[-1]
    steps = panel.defaults["thresholds"]["steps"]
    color = NAMED[[step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]]
    axes.fill_between(series.times, series.values, color=color, alpha=0.15, linewidth=0)
    axes.plot(series.times, series.values, color=color, linewidth=1, alpha=0.5)
    axes.set_ylim(0, max([*series.values, 1e-9]) * 2.5)
    x, y, w, h = box
    style = {"fontsize": 25, "weight": "bold", "ha": "center", "va": "center"}
    figure.text(x + w / 2, y + 0.52 * h, text(value, panel.defaults["unit"]), color=color, **style)
    return axes


def _lines(figure: Figure, panel: Panel, box: Box, found: Found) -> Axes:
    axes = _inner(figure, box, (0.75, 0.75, 0.2, 0.45))
    _title(figure, panel, box)
    names = [named(legend, series.labels) for legend, series in found]
    colors = [_color(panel, name, number) for number, name in enumerate(names)]
    if panel.defaults["custom"].get("stacking", {}).get("mode") == "normal":
        _stack(axes, [series for _, series in found], names, colors)
    else:
        for (_, series), name, color in zip(found, names, colors, strict=True):
            axes.plot(series.times, series.values, color=color, linewidth=1.4, label=name)
    for step in panel.defaults.get("thresholds", {}).get("steps", []):
        if step["value"] is not None and step["value"] < 3 * axes.get_ylim()[1]:
            axes.axhline(step["value"], color=NAMED["red"], linestyle="--", linewidth=1)
    axes.set_ylim(0, max(1.06 * axes.get_ylim()[1], 1e-6))
    _label(axes, panel)
    return axes


def _label(axes: Axes, panel: Panel) -> None:
    unit = panel.defaults["unit"]
    axes.grid(color="#e6e7e9", linewidth=0.7)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=FAINT, labelsize=9, length=0)
    axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5, integer=unit in ("short", "none")))
    axes.yaxis.set_major_formatter(lambda value, _: text(value, unit))
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
    axes.xaxis.set_major_formatter(lambda at, _: datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S"))
    handles, labels = axes.get_legend_handles_labels()
    spacing = {"handlelength": 1, "columnspacing": 1, "handletextpad": 0.5}
    place = {"loc": "upper left", "bbox_to_anchor": (-0.13, -0.12), "ncols": panel.json["gridPos"]["w"] // 2}
    axes.legend(handles[:LEGENDS], labels[:LEGENDS], fontsize=8, frameon=False, labelcolor=INK, **spacing, **place)


def _stack(axes: Axes, found: list[Series], names: list[str], colors: list[str]) -> None:
    times = sorted({at for series in found for at in series.times})
    layers = []
    for series in found:
        values = dict(zip(series.times, series.values, strict=True))
        layers.append([values.get(at, 0.0) for at in times])
    axes.stackplot(times, layers, labels=names, colors=colors, alpha=0.6)


def _color(panel: Panel, name: str, number: int) -> str:
    """Give the color that the dashboard asks for, the last one if several do, or else the next of the palette."""
    asked = [
        override["properties"][0]["value"]["fixedColor"]
        for override in panel.json["fieldConfig"]["overrides"]
        if re.search(override["matcher"]["options"].strip("/"), name)
    ]
    return NAMED[asked[-1]] if asked else COLORS[number % len(COLORS)]


def text(value: float, unit: str) -> str:
    """Write a value as Grafana would in its unit."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit in ("s", "µs"):
        return _time(value * (1e-6 if unit == "µs" else 1.0))
    amount = f"{value:.3g}"
    return f"{amount}/s" if unit in ("reqps", "cps") else amount


def _time(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds * 1e6:.3g} µs" if seconds else "0"
