"""What captures cost a gateway's answers: two gateways, without and with captures of everything, asked in turn.

The answers per second say what callers notice; the processor time per answer says the same on a machine that has other
things to do, too.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environments import ROOT, WORK
from benchmarks.gateway import is_ready, wait_until
from benchmarks.load import closed_loop
from benchmarks.models import copy_newest
from benchmarks.payloads import reviews
from benchmarks.processes import Running, running
from benchmarks.results import Results
from benchmarks.rounds import free_port
from benchmarks.servers import Route
from serving.contract import Contract
from serving.registry import model_names
from serving.registry.versions import CONTRACT

Say = Callable[[str], None]
MODELS = {"sentiment": ("--set=num_words=10000", "--set=length=1024"), "house_price": ()}
_CALLERS = 8
_TICKS = os.sysconf("SC_CLK_TCK")


def measure_capture(rounds: int, seconds: float, results: Results, say: Say) -> None:
    """Measure both models, each round by a pair of measurements without captures around a pair with them.

    Each round has two gateways of its own: of two that do the same, one may take 4 % more time as long as it runs.
    """
    with tempfile.TemporaryDirectory(prefix="plumbline-benchmark-") as name:
        folder = Path(name)
        served = copy_newest(_models(say), [*MODELS], folder / "models")
        bodies = {model: _bodies(served / model, folder) for model in MODELS}
        ratios: dict[str, list[tuple[float, float]]] = {model: [] for model in MODELS}
        for _ in range(rounds):
            with _gateway(served, {}) as off, _gateway(served, {"CAPTURE": str(folder / "captures")}) as on:
                for model in MODELS:
                    ratios[model].append(_measure(model, bodies[model], (off, on), seconds, results))
        for model, measured in ratios.items():
            answers, cpu = zip(*measured, strict=True)
            say(
                f"{model}: {statistics.median(answers):.3f} of the answers ({_spread(answers)}), "
                f"{statistics.median(cpu):.3f} of the processor time for each ({_spread(cpu)})"
            )
        size = sum(path.stat().st_size for path in folder.glob("captures/*/captures/*/*.jsonl.gz"))
        say(f"{size / 1e6:.1f} MB of captures were written")


Gateway = tuple[int, Running]


def _measure(
    model: str, bodies: Sequence[Path], gateways: tuple[Gateway, Gateway], seconds: float, results: Results
) -> tuple[float, float]:
    """Return the answers, and the processor time for each, with captures, as shares of those without."""
    off, on = gateways
    _asked(off, model, bodies, 1.0)
    _asked(on, model, bodies, 1.0)
    asked = [_asked(gateway, model, bodies, seconds) for gateway in (off, on, on, off)]
    (before, _, _), (first, _, _), (second, _, _), (after, _, _) = asked
    ratio = (first + second) / (before + after)
    cpu = (asked[1][1] + asked[2][1]) / (asked[0][1] + asked[3][1])
    errors = sum(each[2] for each in asked)
    micros = [round(each[1] * 1e6, 1) for each in asked]
    results.add("capture", model=model, ratio=ratio, cpu_ratio=cpu, cpu_micros=micros, errors=errors)
    return ratio, cpu


def _spread(values: Sequence[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return f"half of {len(values)} rounds within {low:.3f} to {high:.3f}"


def _asked(gateway: Gateway, model: str, bodies: Sequence[Path], seconds: float) -> tuple[float, float, int]:
    """Return the answers per second, the seconds of processor time per answer, and the errors."""
    port, process = gateway
    route = Route(f"/predict/{model}", "application/json", lambda instance: json.dumps(instance).encode())
    before = _cpu_seconds(process)
    told = closed_loop(port, route, bodies, _CALLERS, seconds)
    return told["per_second"], (_cpu_seconds(process) - before) / told["requests"], told["errors"]


def _cpu_seconds(process: Running) -> float:
    ticks = 0
    for pid in process.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


@contextmanager
def _gateway(models: Path, variables: dict[str, str]) -> Iterator[Gateway]:
    port = free_port()
    command = [sys.executable, "-m", "serving", "serve", f"--models-dir={models}", f"--port={port}"]
    with running(command, WORK / "logs" / "capture.log", {"ACCESS_LOG": "off", **variables}) as process:
        wait_until(process, lambda: is_ready(port))
        yield port, process


def _models(say: Say) -> Path:
    """Train the models on the built-in sample unless they are there; that of texts has the size of the real one."""
    models_dir = WORK / "captured"
    for model, options in MODELS.items():
        if model not in (model_names(models_dir) if models_dir.is_dir() else []):
            say(f"{model}: training, which takes a minute")
            command = [sys.executable, "-m", "serving", "train", model, "--sample", "--recipe=baseline", "--no-compare"]
            command += ["--tasks=benchmarks.capture_tasks", f"--models-dir={models_dir}", *options]
            subprocess.run([*command, f"--reports-dir={models_dir}-reports"], cwd=ROOT, check=True)
    return models_dir


def _bodies(model: Path, folder: Path) -> list[Path]:
    contract = Contract.from_json((model / "1" / CONTRACT).read_bytes())
    texts = list(contract.record.fields) == ["text"]
    instances = reviews(model) if texts else [example.instance for example in contract.examples]
    paths = []
    for number, instance in enumerate(instances):
        paths.append(folder / f"{contract.model}-{number}.json")
        paths[-1].write_text(json.dumps(instance))
    return paths
