"""One round with one model: its engines are started, and asked in turns."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines.arrays import Arrays, read_arrays
from benchmarks.engines.asking import Failed, Worker, working
from benchmarks.engines.installed import python_for
from benchmarks.engines.runtimes import RUNTIMES
from benchmarks.engines.subjects import BATCHES, CHECKED, PAIRED, Subject
from benchmarks.environments import WORK
from benchmarks.results import Results

_REFERENCE = next(iter(RUNTIMES))


@dataclass(frozen=True)
class Plan:
    """How often everything is measured, each time for so many seconds."""

    rounds: int
    seconds: float


def measure(
    subject: Subject, graphs: Mapping[str, Path], plan: Plan, number: int, threads: int, results: Results
) -> None:
    """Start every engine, the next one first in the next round, and ask all of them for the same, one after the other.

    One that fails is recorded, and the others go on.
    """
    order = list(graphs)
    turn = number % len(order)
    with contextlib.ExitStack() as stack:
        started = _Started(subject, number, results)
        for engine in order[turn:] + order[:turn]:
            command = _command(engine, graphs[engine], subject, threads)
            with started.dropping(engine):
                worker = started.workers[engine] = stack.enter_context(working(command, _log(engine)))
                worker.ask("time", rows=max(BATCHES), seconds=plan.seconds)
                memory = {**worker.memory(), "start_seconds": worker.start_seconds}
                results.add("engine_process", **subject.names(engine), threads=threads, round=number, **memory)
        if threads == 1 and number == 0:
            _compare_scores(started)
        for do, rows in _asked(subject, threads):
            for engine, measured in started.ask(do, rows=rows, seconds=plan.seconds):
                facts = {"threads": threads, "rows": rows, "round": number}
                results.add(f"engine_{do}", **subject.names(engine), **facts, **measured)


@dataclass(frozen=True)
class _Started:
    """The processes of a model in a round, by engine."""

    subject: Subject
    number: int
    results: Results
    workers: dict[str, Worker] = field(default_factory=dict)

    def ask(self, do: str, **what: Any) -> Iterator[tuple[str, dict[str, float]]]:
        """Ask each in turn; yield the answers."""
        for engine, worker in [*self.workers.items()]:
            with self.dropping(engine):
                yield engine, worker.ask(do, **what)

    @contextlib.contextmanager
    def dropping(self, engine: str) -> Iterator[None]:
        """Record a failure. The engine is asked no more: its answer may still come, and be taken for another."""
        try:
            yield
        except Failed as error:
            self.workers.pop(engine, None)
            where = f"{engine}, {self.subject.label}/{self.subject.model}"
            self.results.add("failure", server=where, round=self.number, error=str(error))


def _asked(subject: Subject, threads: int) -> list[tuple[str, int]]:
    """Return what is measured, and with how many rows, the longest last."""
    pairs = [("pair", rows) for rows in PAIRED] if threads == 1 else []
    return [*(("time", rows) for rows in BATCHES), *pairs, *(("time", rows) for rows in subject.large_batches)]


def _compare_scores(started: _Started) -> None:
    subject, computed = started.subject, {}
    for engine, worker in [*started.workers.items()]:
        with started.dropping(engine):
            file = subject.features / f"scores-{engine}.npz"
            worker.ask("scores", rows=CHECKED, file=str(file))
            computed[engine] = read_arrays(file)
    for engine, scores in computed.items() if _REFERENCE in computed else ():
        with started.dropping(engine):
            difference = largest_difference(computed[_REFERENCE], scores)
            started.results.add("engine_scores", **subject.names(engine), largest_difference=difference)


def largest_difference(expected: Arrays, got: Arrays) -> float:
    """Return the largest difference of a value. Raise Failed if names, shapes, or the places of NaN differ."""
    if {name: each.shape for name, each in expected.items()} != {name: each.shape for name, each in got.items()}:
        raise Failed(f"its outputs are {sorted(got)}, those of {_REFERENCE} are {sorted(expected)}, or shapes differ")
    pairs = [(expected[name].astype(float), got[name].astype(float)) for name in expected]
    if any((np.isnan(one) != np.isnan(other)).any() for one, other in pairs):
        raise Failed("NaN at other places")
    return float(max(np.nanmax(np.abs(one - other), initial=0.0) for one, other in pairs))


def _command(engine: str, graph: Path, subject: Subject, threads: int) -> list[str | Path]:
    arguments: list[str | Path] = [engine, graph, subject.features, str(threads)]
    return [python_for(engine), "-m", "benchmarks.engines.worker", *arguments]


def _log(engine: str) -> Path:
    (WORK / "logs").mkdir(parents=True, exist_ok=True)
    return WORK / "logs" / f"engine-{engine.replace(' ', '-').lower()}.log"
