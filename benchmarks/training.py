"""Training: duration and peak memory of `plumbline train` and of a plain Keras script of the same recipe."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.environments import ROOT
from benchmarks.results import Results


def compare_training(models: Sequence[str], rounds: int, results: Results, say: Callable[[str], None]) -> None:
    """Train each of *models* both ways, in turns."""
    for number in range(rounds):
        for model in models:
            with tempfile.TemporaryDirectory(prefix="plumbline-benchmark-") as folder:
                options = [f"--models-dir={folder}/models", f"--reports-dir={folder}/reports"]
                ours = ["-m", "serving", "train", model, "--recipe=baseline", "--no-compare", *options]
                plain = ["-m", "benchmarks.plain_keras", model]
                for way, command in (("plumbline", ours), ("plain Keras", plain)):
                    say(f"round {number + 1} of {rounds}: {model}, {way}")
                    _run(model, way, number, command, Path(folder) / "log", results)


def _run(model: str, way: str, number: int, command: Sequence[str], log: Path, results: Results) -> None:
    start = time.monotonic()
    with log.open("wb") as out:
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    _, status, usage = os.wait4(process.pid, 0)  # the peak of this process alone
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    lines = log.read_text("utf-8", "replace").splitlines()
    if process.returncode:
        results.add("failure", server=f"{model}, {way}", round=number, error="\n".join(lines[-15:]))
        return
    cost = {"seconds": round(seconds, 1), "peak_mb": round(usage.ru_maxrss * 1024 / 1e6)}
    results.add(
        "training", model=model, way=way, round=number, **cost, cpu_seconds=round(usage.ru_utime + usage.ru_stime, 1)
    )
