"""Draws the figures of docs/performance.md from results."""

import statistics
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.results import Record, of_kind
from benchmarks.servers import SERVERS
from benchmarks.tables import MODELS, OURS

_OURS_STYLE = {"linewidth": 2.5, "color": "#c0392b", "zorder": 3}
_RIVALS = [server.name for server in SERVERS if server.name not in OURS]
_COLOURS = dict(zip(_RIVALS, ("C0", "C1", "C2", "C4", "C5", "C6", "C8", "C9"), strict=False))
"""The same in each figure, and none is similar to ours."""


LABELS = {
    "callers": "callers",
    "instances": "instances a request, 1 caller",
    "characters": "characters a text, 1 caller",
    "side": "pixels of the longer side, 1 caller",
    "workers": "workers, 32 callers",
    "models": "models, 8 callers",
}


def plot_throughput(records: list[Record], path: Path) -> None:
    """Draw the median requests per second by callers, with a line for each server."""
    closed = list(of_kind(records, "closed"))
    figure, axes = plt.subplots(1, len(MODELS), figsize=(11, 4.5), layout="constrained")
    for axis, (model, title) in zip(axes, MODELS.items(), strict=True):
        for server in dict.fromkeys(record["server"] for record in closed):
            own = [record for record in closed if (record["server"], record["model"]) == (server, model)]
            callers = sorted({record["callers"] for record in own})
            medians = [statistics.median(each["per_second"] for each in own if each["callers"] == n) for n in callers]
            _line(axis, server, callers, medians)
        axis.set(title=title, xlabel="callers", ylabel="answers/s", xscale="log")
        axis.set_xticks(callers, [str(count) for count in callers])
        axis.minorticks_off()
        axis.set_ylim(bottom=0)
    _save(figure, axes[-1], path)


def plot_open_loop(records: list[Record], path: Path) -> None:
    """Draw the 99th percentile of latency by the rate of requests, without points at which some failed."""
    sent = [record for record in of_kind(records, "open") if not record["errors"] and record["late"] < 0.05]
    figure, axes = plt.subplots(1, len(MODELS), figsize=(11, 4.5), layout="constrained")
    for axis, (model, title) in zip(axes, MODELS.items(), strict=True):
        own = [record for record in sent if record["model"] == model]
        for server in dict.fromkeys(record["server"] for record in own):
            points = sorted((each["asked_per_second"], each["p99_ms"]) for each in own if each["server"] == server)
            _line(axis, server, [rate for rate, _ in points], [latency for _, latency in points])
        axis.set(title=title, xlabel="requests sent/s", ylabel="p99 since it was due, ms", xscale="log", yscale="log")
    _save(figure, axes[-1], path)


def _line(axis: Axes, server: str, x: list[float], y: list[float]) -> None:
    style = (
        {**_OURS_STYLE, "linestyle": "-" if server == OURS[1] else "--"}
        if server in OURS
        else {"color": _COLOURS.get(server)}
    )
    axis.plot(x, y, marker="o", markersize=3, label=server, **style)


def _save(figure: plt.Figure, legend_of: Axes, path: Path) -> None:
    figure.legend(*legend_of.get_legend_handles_labels(), loc="outside right", fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_sweeps(records: list[Record], path: Path) -> None:
    """Draw median latency and throughput by each quantity that was swept."""
    swept = list(of_kind(records, "sweep"))
    sweeps = list(dict.fromkeys(record["sweep"] for record in swept))
    figure, axes = plt.subplots(2, len(sweeps), figsize=(3.2 * len(sweeps), 6), layout="constrained", squeeze=False)
    for column, sweep in zip(axes.T, sweeps, strict=True):
        for model, title in MODELS.items():
            own = [record for record in swept if (record["sweep"], record["model"]) == (sweep, model)]
            for axis, name in zip(column, ("p50_ms", "per_second"), strict=True):
                axis.plot([record["value"] for record in own], [record[name] for record in own], "o-", label=title)
        for axis in column:
            axis.set(xscale="linear" if sweep in ("workers", "models") else "log", yscale="log", xlabel=LABELS[sweep])
    axes[0][0].set_ylabel("p50, ms")
    axes[1][0].set_ylabel("answers/s")
    _save(figure, axes[0][0], path)
