"""How far `serving.capacity` is right: the same rates through a real gateway, in an open loop, and simulated."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.load import open_loop
from benchmarks.payloads import photos, reviews
from benchmarks.results import Results
from benchmarks.servers import PLAIN, Instance
from benchmarks.sweeps import running_plumbline
from benchmarks.tables import MODELS, markdown, number
from serving.capacity.costs import Costs
from serving.capacity.plan import Load, Plan, Tier
from serving.capacity.simulation import Scenario, simulate

RATES = {"sentiment": (200.0, 600.0, 1000.0), "image": (25.0, 80.0, 200.0)}
VARIATIONS = (1.0, 0.25)
_WARM_UP_SECONDS = 2.0


def compare_with_simulation(models: Path, seconds: float, results: Results, say: Callable[[str], None]) -> None:
    """Measure a gateway of two processes at each rate, and simulate two replicas of one processor at what it cost."""
    instances = {"sentiment": reviews(models / "sentiment"), "image": photos(models / "image")}
    rows: list[Sequence[str]] = [_HEAD]
    with running_plumbline(models) as (process, port), tempfile.TemporaryDirectory() as folder:
        for model, rates in RATES.items():
            files = _written(Path(folder) / model, model, instances[model])
            for rate in rates:
                open_loop(port, PLAIN[model], files, rate, _WARM_UP_SECONDS)
                before = process.cpu_seconds()
                real = open_loop(port, PLAIN[model], files, rate, seconds)
                cost = (process.cpu_seconds() - before) / max(1, real["requests"])
                simulated = {str(variation): _simulated(rate, cost, variation) for variation in VARIATIONS}
                results.add("simulated", model=model, rate=rate, cpu_ms=1000 * cost, real=real, simulated=simulated)
                rows.append(_row(model, rate, cost, real, simulated))
    say(markdown(rows))


def _written(folder: Path, model: str, instances: Sequence[Instance]) -> list[Path]:
    folder.mkdir()
    files = [folder / str(index) for index in range(len(instances))]
    for file, instance in zip(files, instances, strict=True):
        file.write_bytes(PLAIN[model].encode(instance))
    return files


def _simulated(rate: float, cost: float, variation: float) -> dict[str, float]:
    tier = Tier("gateways", 2, 0, 1, cost, variation, 0.0)
    trace = simulate(
        Plan(Load(rate, 1.0), Costs(cost, 0, 0, 0, 0, variation, "measured"), tier, None), Scenario("calm")
    )
    return {f"p{percent}_ms": 1000 * trace.percentile(percent) for percent in (50, 99)}


_HEAD = ["requests", "rate", "busy", "CPU ms", "real p50 / p99 ms", "late", "errors"]
_HEAD += [f"simulated, variation {variation:g}" for variation in VARIATIONS]


def _row(model: str, rate: float, cost: float, real: Mapping[str, Any], simulated: Mapping[str, Any]) -> Sequence[str]:
    times = [f"{number(each['p50_ms'])} / {number(each['p99_ms'])}" for each in (real, *simulated.values())]
    counts = [f"{real['late']:.0%}", str(real["errors"])]
    return [MODELS[model], f"{rate:g}", f"{rate * cost / 2:.0%}", number(1000 * cost), times[0], *counts, *times[1:]]
