"""What captures cost a gateway's answers: of two equal models of one gateway one is captured, asked in turn.

Two gateways that do the same may differ by 4 % as long as they run, so both models are of the same one. Which of them
is captured changes from round to round, each of which has a gateway of its own. The answers per second say what callers
notice; the processor time per answer says the same on a machine that has other things to do, too.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
_TWIN = "_twin"
_TRAINED = {model + twin: options for model, options in MODELS.items() for twin in ("", _TWIN)}
_CALLERS = 8
_TURNS = 6
_TICKS = os.sysconf("SC_CLK_TCK")


def measure_capture(rounds: int, seconds: float, results: Results, say: Say) -> None:
    """Measure both models: in each round each of the equal two in _TURNS turns of *seconds*."""
    with tempfile.TemporaryDirectory(prefix="plumbline-benchmark-") as name:
        folder = Path(name)
        served = copy_newest(_models(say), [*_TRAINED], folder / "models")
        bodies = {model: _bodies(served / model, folder) for model in MODELS}
        ratios: dict[str, list[tuple[float, float]]] = {model: [] for model in MODELS}
        for number in range(rounds):
            off, on = ("", _TWIN) if number % 2 else (_TWIN, "")
            with _gateway(served, [model + on for model in MODELS], folder / "captures") as gateway:
                for model in MODELS:
                    pair = model + off, model + on
                    ratios[model].append(_measure(gateway, pair, bodies[model], seconds, results))
        for model, measured in ratios.items():
            answers, cpu = zip(*measured, strict=True)
            say(
                f"{model}: {statistics.median(answers):.3f} of the answers ({_spread(answers)}), "
                f"{statistics.median(cpu):.3f} of the processor time for each ({_spread(cpu)})"
            )
        size = sum(path.stat().st_size for path in folder.glob("captures/*/captures/*/*.jsonl.gz"))
        say(f"{size / 1e6:.1f} MB of captures were written")


Gateway = tuple[int, Running]


@dataclass
class _Sum:
    requests: int = 0
    errors: int = 0
    answers_per_second: float = 0.0
    cpu_seconds: float = 0.0


def _measure(
    gateway: Gateway, pair: tuple[str, str], bodies: Sequence[Path], seconds: float, results: Results
) -> tuple[float, float]:
    """Return the answers, and the processor time for each, with captures, as shares of those without."""
    for model in pair:
        _asked(gateway, model, bodies, 1.0, _Sum())
    off, on = sums = _Sum(), _Sum()
    for turn in range(_TURNS):
        for at in (0, 1) if turn % 2 else (1, 0):
            _asked(gateway, pair[at], bodies, seconds, sums[at])
    ratio = on.answers_per_second / off.answers_per_second
    off_cpu, on_cpu = (each.cpu_seconds / each.requests for each in sums)
    errors = off.errors + on.errors
    micros = [round(each * 1e6, 1) for each in (off_cpu, on_cpu)]
    results.add("capture", model=pair[1], ratio=ratio, cpu_ratio=on_cpu / off_cpu, cpu_micros=micros, errors=errors)
    return ratio, on_cpu / off_cpu


def _spread(values: Sequence[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return f"half of {len(values)} rounds within {low:.3f} to {high:.3f}"


def _asked(gateway: Gateway, model: str, bodies: Sequence[Path], seconds: float, to: _Sum) -> None:
    """Ask for *seconds*, and add *to* what was measured."""
    port, process = gateway
    route = Route(f"/predict/{model}", "application/json", lambda instance: json.dumps(instance).encode())
    before = _cpu_seconds(process)
    told = closed_loop(port, route, bodies, _CALLERS, seconds)
    to.cpu_seconds += _cpu_seconds(process) - before
    to.answers_per_second += told["per_second"]
    to.requests += told["requests"]
    to.errors += told["errors"]


def _cpu_seconds(process: Running) -> float:
    ticks = 0
    for pid in process.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


@contextmanager
def _gateway(models: Path, captured: Sequence[str], captures: Path) -> Iterator[Gateway]:
    port = free_port()
    shares = ",".join(["0", *(f"{model}=1" for model in captured)])
    variables = {"ACCESS_LOG": "off", "CAPTURE": str(captures), "CAPTURE_SHARE": shares}
    command = [sys.executable, "-m", "serving", "serve", f"--models-dir={models}", f"--port={port}"]
    with running(command, WORK / "logs" / "capture.log", variables) as process:
        wait_until(process, lambda: is_ready(port))
        yield port, process


def _models(say: Say) -> Path:
    """Train the models on the built-in sample unless they are there; that of texts has the size of the real one."""
    models_dir = WORK / "captured"
    for model, options in _TRAINED.items():
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
