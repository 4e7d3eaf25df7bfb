"""What docs/reliability.md says of a soak: its figures, and a graph of each thing that could grow."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.report import machine
from benchmarks.results import Record, of_kind

GRAPH = "reliability-soak.png"
_CURVES = {
    "memory_mb": "own memory, MB",
    "descriptors": "descriptors",
    "threads": "threads",
    "metric_files": "files of metrics",
    "p99_ms": "99th percentile, ms",
    "right": "answers in 5 s",
}
_GROWING = ("memory_mb", "descriptors", "threads", "metric_files")
"""What shows a leak; the others depend on what else the machine does."""

_HOUR = 3600.0


def soak(records: Sequence[Record], images: Path) -> str:
    """Draw the graph into *images*, and return the figures."""
    samples = [*of_kind([*records], "soak")]
    (peak,) = of_kind([*records], "peak")
    _draw(samples, images / GRAPH)
    sent = {name: sum(each[name] for each in samples) for name in ("right", "refused", "lost", "wrong")}
    last = samples[-1]
    told = (
        f"{last['seconds'] / 60:.0f} minutes at 70 % of {peak['per_second']:.0f} answers a second, {last['kills']} "
        f"workers killed, {last['versions']} new versions: {sent['right']:,} right answers, {sent['refused']} refused, "
        f"{sent['lost']} lost, {sent['wrong']} wrong."
    )
    rows = [
        "| of all processes | median of the first fifth | of the last | slope of the last half, an hour |",
        "|---|--:|--:|--:|",
    ]
    rows += [_row(samples, name, label) for name, label in _CURVES.items()]
    return "\n\n".join([machine([*records]), told, "\n".join(rows), f"![Each over the time](img/{GRAPH})"])


def _row(samples: Sequence[Record], name: str, label: str) -> str:
    values = np.array([each[name] for each in samples], float)
    seconds = np.array([each["seconds"] for each in samples])
    fifth, half = max(1, len(values) // 5), len(values) // 2
    slope = np.polyfit(seconds[half:], values[half:], 1)[0] * _HOUR
    grows = f"{slope:+.1f}" if name in _GROWING else ""
    return f"| {label} | {np.median(values[:fifth]):.0f} | {np.median(values[-fifth:]):.0f} | {grows} |"


def _draw(samples: Sequence[Record], path: Path) -> None:
    figure = Figure(figsize=(8, 5), layout="constrained")
    minutes = [each["seconds"] / 60 for each in samples]
    for axes, (name, label) in zip(figure.subplots(2, 3).flat, _CURVES.items(), strict=True):
        axes.plot(minutes, [each[name] for each in samples], linewidth=1)
        axes.set_title(label, fontsize=9)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("minutes", fontsize=8)
        axes.tick_params(labelsize=8)
    figure.savefig(path, dpi=80)
