"""The comparison: all that convert compute the same features, in turns, each in a process of its own."""

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.engines.arrays import Arrays, read_arrays
from benchmarks.engines.asking import Failed, Worker, working
from benchmarks.engines.conversion import NotConverted, convert
from benchmarks.engines.installed import ENVIRONMENTS, PACKAGES
from benchmarks.engines.runtimes import RUNTIMES
from benchmarks.engines.subjects import BATCHES, CHECKED, PAIRED, Subject, subjects
from benchmarks.environments import ROOT, WORK, python_of
from benchmarks.results import Results

THREADS = (1, 2)
_REFERENCE = next(iter(RUNTIMES))


@dataclass(frozen=True)
class Plan:
    """How often everything is measured, each time for so many seconds."""

    rounds: int
    seconds: float


def compare_engines(models_dirs: Sequence[Path], plan: Plan, results: Results, say: Callable[[str], None]) -> None:
    """Measure all engines with the newest version of each model. Raise ValueError if one has no contract."""
    for engine, package in PACKAGES.items():
        results.add("engine", engine=engine, **_installed(engine, package))
    for subject in subjects(models_dirs, WORK / "engines"):
        say(f"{subject.label}/{subject.model}")
        graphs = _converted(subject, results, say)
        for number in range(plan.rounds):
            for threads in THREADS:
                _measure(subject, graphs, plan, number, threads, results)


def _installed(engine: str, package: str) -> dict[str, str | float]:
    command: list[str | Path] = [_python(engine), "-m", "benchmarks.engines.installed", package]
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
        results.add("converted", **_names(subject, engine), way=way, error=error, seconds=seconds)
    return graphs


def _measure(
    subject: Subject, graphs: Mapping[str, Path], plan: Plan, number: int, threads: int, results: Results
) -> None:
    """Start every engine, the next one first in the next round, and ask all of them for the same, one after the other.

    One that fails is recorded, and the others go on.
    """
    order = list(graphs)
    turn = number % len(order)
    with contextlib.ExitStack() as stack:
        workers = {}
        for engine in order[turn:] + order[:turn]:
            with _recorded(subject, engine, results):
                worker = stack.enter_context(working(_command(engine, graphs[engine], subject, threads), _log(engine)))
                worker.ask("time", rows=max(BATCHES), seconds=plan.seconds)
                memory = {**worker.memory(), "start_seconds": worker.start_seconds}
                results.add("engine_process", **_names(subject, engine), threads=threads, round=number, **memory)
                workers[engine] = worker
        if threads == 1 and number == 0:
            _compare_scores(subject, workers, results)
        asked = [("time", rows) for rows in subject.batches] + [("pair", rows) for rows in PAIRED] * (threads == 1)
        for do, rows in asked:
            for engine, worker in workers.items():
                with _recorded(subject, engine, results):
                    measured = worker.ask(do, rows=rows, seconds=plan.seconds)
                    facts = {"threads": threads, "rows": rows, "round": number}
                    results.add(f"engine_{do}", **_names(subject, engine), **facts, **measured)


def _compare_scores(subject: Subject, workers: Mapping[str, Worker], results: Results) -> None:
    computed = {}
    for engine, worker in workers.items():
        with _recorded(subject, engine, results):
            file = subject.features / f"scores-{engine}.npz"
            worker.ask("scores", rows=CHECKED, file=str(file))
            computed[engine] = read_arrays(file)
    for engine, scores in computed.items():
        with _recorded(subject, engine, results):
            difference = largest_difference(computed[_REFERENCE], scores)
            results.add("engine_scores", **_names(subject, engine), largest_difference=difference)


def largest_difference(expected: Arrays, got: Arrays) -> float:
    """Return the largest difference of a value. Raise Failed if names, shapes, or the places of NaN differ."""
    if {name: each.shape for name, each in expected.items()} != {name: each.shape for name, each in got.items()}:
        raise Failed(f"its outputs are {sorted(got)}, those of {_REFERENCE} are {sorted(expected)}, or shapes differ")
    pairs = [(expected[name].astype(float), got[name].astype(float)) for name in expected]
    if any((np.isnan(one) != np.isnan(other)).any() for one, other in pairs):
        raise Failed("NaN at other places")
    return float(max(np.nanmax(np.abs(one - other), initial=0.0) for one, other in pairs))


@contextlib.contextmanager
def _recorded(subject: Subject, engine: str, results: Results) -> Iterator[None]:
    try:
        yield
    except Failed as error:
        results.add("failure", server=f"{engine}, {subject.label}/{subject.model}", round=0, error=str(error))


def _command(engine: str, graph: Path, subject: Subject, threads: int) -> list[str | Path]:
    arguments: list[str | Path] = [engine, graph, subject.features, str(threads)]
    return [_python(engine), "-m", "benchmarks.engines.worker", *arguments]


def _python(engine: str) -> Path:
    return python_of(ENVIRONMENTS.get(engine, ""))


def _log(engine: str) -> Path:
    (WORK / "logs").mkdir(parents=True, exist_ok=True)
    return WORK / "logs" / f"engine-{engine.replace(' ', '-').lower()}.log"


def _names(subject: Subject, engine: str) -> dict[str, str]:
    return {"label": subject.label, "model": subject.model, "engine": engine}
