"""How Plumbline's cost grows with the load, the size of requests, and the number of models and workers."""

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.environments import WORK
from benchmarks.gateway import is_ready, wait_until
from benchmarks.load import LoadFailed, closed_loop
from benchmarks.models import copy_newest
from benchmarks.payloads import photos, reviews
from benchmarks.processes import Running, running
from benchmarks.results import Results
from benchmarks.rounds import Failed, free_port
from benchmarks.servers import PLAIN, Route
from serving.registry import model_names

CALLERS = (1, 2, 4, 8, 16, 32, 48, 64, 128)
INSTANCES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
CHARACTERS = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
SIDES = (64, 128, 256, 512, 1024, 2048, 4096)
WORKERS = (1, 2, 3, 4)

_MANY = Route("/predict/sentiment", "application/json", lambda instance: json.dumps(instance).encode())


class Sweep:
    """Measures the models in the folder *models*, each point for *seconds*, and records it in *results*."""

    def __init__(self, models: Path, seconds: float, results: Results) -> None:
        self._models = models
        self._seconds = seconds
        self._results = results
        self._texts, self._photos = reviews(models / "sentiment"), photos(models / "image")

    def run(self, say: Callable[[str], None]) -> None:
        """Run all sweeps. A failure is recorded, and the others are run."""
        for sweep in (self._requests, self._workers, self._number_of_models):
            name = sweep.__name__.strip("_")
            say(f"sweeps: {name}")
            try:
                sweep()
            except (Failed, LoadFailed, OSError) as error:
                say(f"  failed: {error}")
                self._results.add("failure", server=f"sweep of {name}", round=0, error=str(error))

    def _requests(self) -> None:
        with running_plumbline(self._models) as (_, port):
            for count in CALLERS:
                self._measure("callers", count, port, PLAIN["sentiment"], self._texts, count)
                self._measure("callers", count, port, PLAIN["image"], self._photos, count)
            for count in INSTANCES:
                body = {"instances": (self._texts * count)[:count]}
                self._measure("instances", count, port, _MANY, [body], 1)
            for count in CHARACTERS:
                longer = reviews(self._models / "sentiment", 4, count)
                self._measure("characters", count, port, PLAIN["sentiment"], longer, 1)
            for side in SIDES:
                larger = photos(self._models / "image", 4, (side, side * 3 // 4))
                self._measure("side", side, port, PLAIN["image"], larger, 1)

    def _workers(self) -> None:
        for workers in WORKERS:
            with running_plumbline(self._models, {"WORKERS": str(workers)}) as (process, port):
                self._measure("workers", workers, port, PLAIN["sentiment"], self._texts, 32)
                self._measure("workers", workers, port, PLAIN["image"], self._photos, 32)
                self._results.add("memory", sweep="workers", value=workers, memory_mb=round(process.memory_mb(), 1))

    def _number_of_models(self) -> None:
        names = sorted(model_names(self._models), key=lambda name: name != "sentiment")
        for count in range(1, len(names) + 1):
            some = copy_newest(self._models, names[:count], WORK / "some")
            with running_plumbline(some) as (process, port):
                start = time.monotonic() - process.started
                self._measure("models", count, port, PLAIN["sentiment"], self._texts, 8)
                memory = {"memory_mb": round(process.memory_mb(), 1), "start_seconds": round(start, 2)}
                self._results.add("memory", sweep="models", value=count, **memory)

    def _measure(self, sweep: str, value: int, port: int, route: Route, instances: Sequence[Any], callers: int) -> None:
        with tempfile.TemporaryDirectory(prefix="plumbline-benchmark-") as folder:
            files = [Path(folder) / str(index) for index in range(len(instances))]
            for file, instance in zip(files, instances, strict=True):
                file.write_bytes(route.encode(instance))
            measured = closed_loop(port, route, files, callers, self._seconds)
        model = route.path.rpartition("/")[2]
        self._results.add("sweep", sweep=sweep, value=value, model=model, callers=callers, **measured)


@contextlib.contextmanager
def running_plumbline(models: Path, variables: Mapping[str, str] | None = None) -> Iterator[tuple[Running, int]]:
    """Run `plumbline up` with *models* until the block ends. Yield the process and its port, once it is ready."""
    port = free_port()
    options = [f"--models-dir={models.resolve()}", f"--port={port}", f"--model-server-port={port + 1}"]
    command = [sys.executable, "-m", "serving", "up", *options]
    with running(command, WORK / "logs" / "sweep.log", variables or {}) as process:
        wait_until(process, lambda: is_ready(port))
        yield process, port
