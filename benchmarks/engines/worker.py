"""One engine with one model in a process: it computes a first answer, and then what is asked of it, a line for a line.

Its arguments are the engine, the graph's folder, the folder of features and the number of threads.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.engines.arrays import Arrays, read_arrays, write_arrays
from benchmarks.engines.runtimes import RUNTIMES, Call

_WARM_UP = 2
"""Calls that are not counted, since engines prepare for shapes that are new to them."""
_SLICES = 3


def main(engine: str, graph: str, features: str, threads: str) -> None:
    """Serve until the input ends."""
    load = partial(RUNTIMES[engine], Path(graph), int(threads))
    read = partial(_read, Path(features))
    call = load()
    call(read("1"))
    _say({})
    does: dict[str, Callable[..., Any]] = {
        "time": lambda rows, seconds: time_calls(call, read(rows), seconds),
        "pair": lambda rows, seconds: time_pair([call, load()], read(rows), seconds),
        "scores": lambda rows, file: write_arrays(Path(file), call(read(rows))),
    }
    for line in sys.stdin:
        asked = json.loads(line)
        _say(does[asked.pop("do")](**asked) or {})


def time_calls(call: Call, features: Arrays, seconds: float) -> dict[str, float]:
    """Return the median time of a call, and the CPU time of all threads for it, in milliseconds."""
    for _ in range(_WARM_UP):
        call(features)
    times: list[float] = []
    cpu, end = time.process_time(), time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call(features)
        times.append(time.perf_counter() - start)
    return {"ms": statistics.median(times) * 1000, "cpu_ms": (time.process_time() - cpu) / len(times) * 1000}


def time_pair(calls: list[Call], features: Arrays, seconds: float) -> dict[str, float]:
    """Return what two threads of this process, each with its own loaded graph, do by what one does alone.

    That is their answers in the same time, and the CPU time for an answer. They take turns with the one, in short
    slices, since others use the machine too.
    """
    for call in calls * _WARM_UP:
        call(features)
    alone, together = _Counts(), _Counts()
    for _ in range(_SLICES):
        for count, some in ((alone, calls[:1]), (together, calls)):
            count.add(some, features, seconds / _SLICES)
    return {"answers": together.per_second / alone.per_second, "cpu": together.cpu / alone.cpu}


class _Counts:
    """Answers of threads that compute at the same time, and the seconds and CPU seconds that they took."""

    def __init__(self) -> None:
        self._answers, self._seconds, self._cpu_seconds = 0, 0.0, 0.0

    @property
    def per_second(self) -> float:
        return self._answers / self._seconds

    @property
    def cpu(self) -> float:
        return self._cpu_seconds / self._answers

    def add(self, calls: list[Call], features: Arrays, seconds: float) -> None:
        start, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(len(calls)) as threads:
            counts = threads.map(lambda call: _answers(call, features, start + seconds), calls)
        self._answers += sum(counts)
        self._seconds += time.perf_counter() - start
        self._cpu_seconds += time.process_time() - cpu


def _answers(call: Call, features: Arrays, end: float) -> int:
    """Return how many times *call* answered until *end*, at least once."""
    call(features)
    count = 1
    while time.perf_counter() < end:
        call(features)
        count += 1
    return count


def _read(folder: Path, rows: object) -> Arrays:
    return read_arrays(folder / f"{rows}.npz")


def _say(answer: dict[str, float]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
