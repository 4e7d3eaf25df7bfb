"""Batch scoring compared with Keras's own `Model.predict`, on the same rows in the same process.

    python -m benchmarks.batch                # about twelve minutes; it trains the baselines on the real data first
    python -m benchmarks.batch --sample       # on the built-in samples: quick, but texts have other lengths

`predict` gets preprocessed rows, and only runs inference, with the exported model, which takes word ids. The textbook's
model, which takes 10,000 floats a text, is measured too. Scoring goes from a file to a file: it reads, checks,
preprocesses, predicts, writes, and syncs to the disk. Rounds are interleaved, because a shared machine has slow and
fast minutes; each figure is the median of the rounds, and each ratio the median of the rounds' ratios.
"""

import argparse
import csv
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from serving.batch.jobs.in_process import connect_in_process
from serving.batch.jobs.scoring_job import Job, score, start
from serving.batch.jobs.workers import Connect
from serving.catalog import ModelServer
from serving.contract.arrays import Array, Features
from serving.tfserving.client import ModelServerClient

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROWS = {"house_price": 200_000, "sentiment": 400_000}
PREDICT_BATCHES = (32, 256, 1024)
"""32 is the default of Keras."""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", action="store_true", help="train on the built-in samples")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2, help="number of processes of the parallel runs")
    parser.add_argument("--models", nargs="+", default=list(ROWS), choices=list(ROWS))
    arguments = parser.parse_args()
    print("model        way                                rows/s CPU us/row   of predict(32)   of predict's best")
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            _measure(model, Path(folder), arguments.sample, arguments.rounds, arguments.processes)


def _measure(model: str, folder: Path, sample: bool, rounds: int, processes: int) -> None:
    trained, instances = _train(model, folder, sample)
    source = _write(model, folder, instances)
    features = trained.contract.features(instances)
    with _local_server(model, folder) as address:
        ways: dict[str, Callable[[], float]] = {
            f"predict, batch {size}": partial(_predict, trained.model, features, len(instances), size)
            for size in PREDICT_BATCHES
        }
        rows = np.empty(0)
        if model == "sentiment":
            textbook, rows = _textbook(features["ids"])
            ways["textbook, multi-hot, batch 32"] = lambda: _predict(textbook, rows, len(rows), 32)
            ways["textbook, multi-hot, batch 512"] = lambda: _predict(textbook, rows, len(rows), 512)
        connects: dict[str, Connect] = {
            "score --in-process": partial(connect_in_process, folder / "models", model, None),
            "score": partial(ModelServerClient, address),
        }
        for way, connect in connects.items():
            server = connect()
            for count in (1, processes):
                ways[f"{way} --processes {count}"] = partial(_score, model, source, server, connect, count)
        rates: dict[str, list[float]] = {way: [] for way in ways}
        costs: dict[str, list[float]] = {way: [] for way in ways}
        for run in ways.values():
            run()  # not counted: Keras compiles `predict` at the first call
        for _ in range(rounds):
            for way, run in ways.items():
                before = _cpu_seconds()
                rates[way].append(run())
                count = len(rows) if way.startswith("textbook") else len(instances)
                costs[way].append((_cpu_seconds() - before) / count * 1e6)
    _print_table(model, rates, costs)


def _print_table(model: str, rates: Mapping[str, Sequence[float]], costs: Mapping[str, Sequence[float]]) -> None:
    default = rates["predict, batch 32"]
    best = [max(each) for each in zip(*(it for way, it in rates.items() if way.startswith("predict")), strict=True)]
    for way, each in rates.items():
        ratios = (statistics.median(a / b for a, b in zip(each, other, strict=True)) for other in (default, best))
        figures = "".join(f"{it:>17.2f}" for it in ratios)
        print(f"{model:12} {way:32} {statistics.median(each):>8,.0f} {statistics.median(costs[way]):>10.1f}{figures}")


def _cpu_seconds() -> float:
    """Return the CPU time in seconds of this process and of its ended children, without that of a model server."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _textbook(ids: Array) -> tuple[Any, Array]:
    """Return the model of those who preprocess for Keras themselves, and 10,000 rows of 10,000 floats for it.

    Its weights don't matter for its speed.
    """
    import keras

    rows = np.zeros((10_000, 10_000), np.float32)
    for row, words in zip(rows, ids, strict=False):
        row[words] = 1
    layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(16, "relu"), keras.layers.Dense(1, "sigmoid")]
    return keras.Sequential([keras.Input((10_000,)), *layers]), rows


def _predict(model: Any, features: Features | Array, rows: int, size: int) -> float:
    started = time.perf_counter()
    model.predict(features, batch_size=size, verbose=0)
    return rows / (time.perf_counter() - started)


def _score(model: str, source: Path, server: ModelServer, connect: Connect, processes: int) -> float:
    """Score a file to another. Return rows/s, including the start of workers and the last sync."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job((str(source),), model, f"{folder}/out.csv", processes=processes)
        started = time.perf_counter()
        summary = score(start(job, server), server, connect, threading.Event())
        return float(summary["rows"] / (time.perf_counter() - started))


def _train(model: str, folder: Path, sample: bool) -> tuple[Any, list[Mapping[str, Any]]]:
    """Train and publish the baseline. Return the result, and its test rows, repeated as often as needed."""
    from training.jobs.training_job import Job as Training
    from training.jobs.training_job import train
    from training.publishing.export import export
    from training.publishing.publish import publish
    from training.task import find_task

    training = Training(
        model, find_task(model), "baseline", folder / "models", None, sample, 1, lambda text: None, compares=False
    )
    data = training.load()
    result = train(training, data)
    publish(folder / "models", model, lambda path: export(result.model, result.contract, path))
    instances = list(data.test.instances)
    return result, (instances * (ROWS[model] // len(instances) + 1))[: ROWS[model]]


def _write(model: str, folder: Path, instances: Sequence[Mapping[str, Any]]) -> Path:
    if model == "house_price":
        path = folder / f"{model}.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(instances[0]))
            writer.writeheader()
            writer.writerows(instances)
        return path
    path = folder / f"{model}.jsonl"
    path.write_text("".join(json.dumps(instance) + "\n" for instance in instances))
    return path


@contextmanager
def _local_server(model: str, folder: Path) -> Iterator[str]:
    """Run Plumbline's own model server in a separate process, and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"--model_base_path={folder / 'models' / model}"
    command = [sys.executable, "-m", "serving.local_server", "--host=127.0.0.1", f"--port={port}"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([*command, f"--model_name={model}", base], stdout=log, stderr=log)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    main()
