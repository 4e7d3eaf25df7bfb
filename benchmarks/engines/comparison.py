"""The comparison: all that convert compute the same features, in turns, each in a process of its own."""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.engines.conversion import NotConverted, convert
from benchmarks.engines.installed import PACKAGES, python_for
from benchmarks.engines.measuring import Plan, measure
from benchmarks.engines.runtimes import RUNTIMES
from benchmarks.engines.subjects import Subject, subjects
from benchmarks.environments import ROOT, WORK
from benchmarks.results import Results

THREADS = (1, 2)


def compare_engines(models_dirs: Sequence[Path], plan: Plan, results: Results, say: Callable[[str], None]) -> None:
    """Measure all engines with the newest version of each model. Raise ValueError if one has no contract."""
    for engine, package in PACKAGES.items():
        results.add("engine", engine=engine, **_installed(engine, package))
    for subject in subjects(models_dirs, WORK / "engines"):
        say(f"{subject.label}/{subject.model}")
        graphs = _converted(subject, results, say)
        for number in range(plan.rounds):
            for threads in THREADS:
                measure(subject, graphs, plan, number, threads, results)


def _installed(engine: str, package: str) -> dict[str, str | float]:
    command: list[str | Path] = [python_for(engine), "-m", "benchmarks.engines.installed", package]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    facts: dict[str, str | float] = json.loads(done.stdout)
    return facts


def _converted(subject: Subject, results: Results, say: Callable[[str], None]) -> dict[str, Path]:
    graphs: dict[str, Path] = {}
    for engine in RUNTIMES:
        folder = WORK / "engines" / engine.replace(" ", "-").lower() / subject.label / subject.model
        start, way, error = time.monotonic(), "", ""
        try:
            graphs[engine], way = convert(engine, subject.version, folder, graphs.get("ONNX Runtime"))
        except NotConverted as refused:
            error = str(refused)
            say(f"  {engine}: {error}")
        seconds = round(time.monotonic() - start, 2)
        results.add("converted", **subject.names(engine), way=way, error=error, seconds=seconds)
    return graphs
