"""Writes the marked parts of docs/performance.md, and its figures, from results."""

import re
from collections.abc import Callable
from pathlib import Path

from benchmarks import engine_tables, plots, tables
from benchmarks.canary.table import canaries
from benchmarks.environments import ROOT
from benchmarks.results import Record, of_kind

DOCUMENT = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "img"


def write_report(records: list[Record], document: Path, images: Path) -> list[str]:
    """Replace the parts of *document* that *records* are about. Return the names of the parts.

    Raises ValueError if *document* lacks one.
    """
    kinds = {record["kind"] for record in records}
    text, written = document.read_text(), []
    for part, (kind, write) in _PARTS.items():
        if kind in kinds:
            text = replace_part(text, part, write(records, images))
            written.append(part)
    document.write_text(text)
    return written


def replace_part(text: str, part: str, content: str) -> str:
    """Return *text* with *content* between the comments that mark *part*. Raises ValueError if there are none."""
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    if begin not in text or end not in text:
        raise ValueError(f"expected {begin} and {end} in the document")
    return re.sub(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{content}\n{end}", text, flags=re.DOTALL
    )


def machine(records: list[Record]) -> str:
    """Return a sentence on when, on which machine and by which command the records were made."""
    made = next(of_kind(records, "machine"))
    return (
        f"{made['date']}, revision {made['revision']}: {made['cores']} cores of {made['processor']}, "
        f"{made['memory_gb']} GB, {made['system']}, Python {made['python']}, TensorFlow {made['tensorflow']}; "
        f"load average {made['load_average']} before. Command: `{made['command']}`"
    )


def _rivals(records: list[Record], images: Path) -> str:
    plots.plot_throughput(records, images / "performance-throughput.png")
    plots.plot_open_loop(records, images / "performance-open-loop.png")
    parts = [machine(records), tables.comparison(records), "Against the best rival:", tables.ratios(records)]
    parts.append("![Answers a second by callers](img/performance-throughput.png)")
    parts.append("![Latency by rate of requests](img/performance-open-loop.png)")
    return "\n\n".join([*parts, "Failed or not run:", tables.failures(records)])


def _sweeps(records: list[Record], images: Path) -> str:
    plots.plot_sweeps(records, images / "performance-sweeps.png")
    parts = [
        machine(records),
        "![Latency and rate by what was swept](img/performance-sweeps.png)",
        tables.sweeps(records),
    ]
    return "\n\n".join([*parts, "Failed or not run:", tables.failures(records)])


def _gateway(records: list[Record], images: Path) -> str:
    return "\n\n".join([machine(records), tables.gateway(records)])


def _training(records: list[Record], images: Path) -> str:
    return "\n\n".join([machine(records), tables.training(records), "Failed or not run:", tables.failures(records)])


def _record(records: list[Record], images: Path) -> str:
    return "\n\n".join([machine(records), tables.record(records)])


def _recipes(records: list[Record], images: Path) -> str:
    return "\n\n".join([machine(records), tables.recipes(records), tables.reached(records)])


def _engines(records: list[Record], images: Path) -> str:
    parts = [machine(records), engine_tables.engines(records), engine_tables.engine_models(records)]
    return "\n\n".join([*parts, "Failed or not run:", tables.failures(records)])


def _canaries(records: list[Record], images: Path) -> str:
    return "\n\n".join([machine(records), canaries(records)])


_PARTS: dict[str, tuple[str, Callable[[list[Record], Path], str]]] = {
    "rivals": ("closed", _rivals),
    "gateway": ("gateway", _gateway),
    "sweeps": ("sweep", _sweeps),
    "training": ("training", _training),
    "record": ("record", _record),
    "recipes": ("recipe", _recipes),
    "engines": ("converted", _engines),
    "canaries": ("canary", _canaries),
}
