"""Trains what a file declares, and prints as JSON the hash of the weights and how much memory it took.

Run in a process of its own, because a limit on memory holds for a whole process. It sets the limit itself, if one is
given, or else takes all rows and features into memory, however many there are: `limited_memory.py FILE MODELS [BYTES]`.
"""

import contextlib
import dataclasses
import json
import re
import resource
import sys
import threading
from pathlib import Path
from typing import Any

from training.commands.options import import_tensorflow


def data_bytes() -> int:
    """Return the size of the memory that RLIMIT_DATA limits: what is not backed by a file."""
    found = re.search(r"VmData:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


class Peak:
    """The largest size while the block ran."""

    def __enter__(self) -> "Peak":
        self.bytes, self._ended = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.002):
            self.bytes = max(self.bytes, data_bytes())


def train(declared: Path, models: Path, limit: int | None) -> str:
    """Train the model that a file declares; return the hash of its weights."""
    from serving.contract import Contract
    from training.data import features
    from training.data.datasets import Dataset, Part
    from training.declarations.task import declared_task
    from training.jobs.training_job import Job, run
    from training.publishing.gate import GateRefused

    name, task = declared_task(declared)
    # What scikit-learn may take besides is bounded by a constant, which is more than all of a test's data.
    task = dataclasses.replace(task, rivals=lambda data: {})

    def in_memory(data: Dataset) -> Dataset:
        train, test = (Part(list(part.instances), part.targets, part.groups) for part in (data.train, data.test))
        return dataclasses.replace(data, train=train, test=test)

    if limit is None:
        features.LARGE = 1 << 60
        task = dataclasses.replace(task, load=lambda folder, load=task.load: in_memory(load(folder)))
    made: list[Contract] = []
    recipe, note = next(iter(task.recipes)), made.append
    # The conversion takes what it takes, however many rows there are: more than they do in this test.
    job = Job(name, task, recipe, models, None, sample=False, seed=0, say=print, lite_weights="none", on_trained=note)
    with contextlib.suppress(GateRefused):  # of so few rows and epochs nothing may be learned
        run(job)
    return str(made[0].provenance["weights_sha256"])


def main(declared: str, models: str, limit: str | None = None) -> dict[str, Any]:
    """Train, and return what came out."""
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (int(limit), int(limit)))
    import_tensorflow()
    with Peak() as peak:
        weights = train(Path(declared), Path(models), None if limit is None else int(limit))
    return {"weights": weights, "peak": peak.bytes}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
