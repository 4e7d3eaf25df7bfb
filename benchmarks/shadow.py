"""What shadows cost: the same gateway without them, and with 0, 20 and 100 % of the requests answered twice.

All gateways run at the same time, and are measured in turn within each round; told are ratios to the first, of the best
rounds and (in brackets) the median of the rounds' own. A second one without shadows shows what they are by chance.
"""

import re
import shutil
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import WORK
from benchmarks.gateway import is_ready, wait_until
from benchmarks.load import closed_loop, open_loop
from benchmarks.payloads import reviews
from benchmarks.processes import Running, running
from benchmarks.results import Results
from benchmarks.rounds import free_port
from benchmarks.servers import PLAIN
from benchmarks.tables import markdown

MODEL, SHADOW_VERSION = "sentiment", 2
SETTINGS: Mapping[str, str] = {
    "none": "",
    "none, again": "",
    "0 %": f"{MODEL}:{SHADOW_VERSION}=0",
    "20 %": f"{MODEL}:{SHADOW_VERSION}=20",
    "100 %": f"{MODEL}:{SHADOW_VERSION}=100",
}
_CALLERS = 32
_CALM = 0.2
"""Of the answers a second that the first gateway gives at most: the rate of the open loop."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Gateway:
    name: str
    process: Running
    port: int

    def fates(self) -> dict[str, float]:
        """Return how many shadows were compared, and how many dropped."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as reply:
            text = reply.read().decode()
        pattern = r'^plumbline_gateway_shadow_(?:requests|dropped)_total{.*?"(\w+)",version.*} (\S+)$'
        return {fate: float(count) for fate, count in re.findall(pattern, text, re.M)}


def measure_shadows(models: Path, rounds: int, seconds: float, results: Results, say: Say) -> None:
    """Measure answers a second at full load, and latencies at a rate that leaves time for shadows."""
    with tempfile.TemporaryDirectory(prefix="plumbline-benchmark-") as folder, ExitStack() as stack:
        body = Path(folder) / "body"
        body.write_bytes(PLAIN[MODEL].encode(reviews(models / MODEL)[0]))
        shutil.copytree(models / MODEL / "1", models / MODEL / str(SHADOW_VERSION), dirs_exist_ok=True)
        gateways = [stack.enter_context(_running(models, name, shadow)) for name, shadow in SETTINGS.items()]
        for gateway in gateways:
            closed_loop(gateway.port, PLAIN[MODEL], [body], _CALLERS, 2.0)  # a warm-up
        full = list(_measured(gateways, "full", rounds, results, lambda it: _full(it, body, seconds)))
        rate = _CALM * max(each["none"]["per_second"] for each in full)
        calm = list(_measured(gateways, "calm", rounds, results, lambda it: _calm(it, body, rate, seconds)))
        say(markdown([_HEAD, *(_row(name, full, calm) for name in SETTINGS)]))


def _measured(
    gateways: Sequence[_Gateway], kind: str, rounds: int, results: Results, measure: Callable[[_Gateway], Any]
) -> Iterator[dict[str, dict[str, float]]]:
    """Yield the figures of each round by setting; the order moves on by one from round to round."""
    for number in range(rounds):
        place = number % len(gateways)
        figures = {gateway.name: measure(gateway) for gateway in [*gateways[place:], *gateways[:place]]}
        for name, each in figures.items():
            results.add("shadow", load=kind, setting=name, round=number, **each)
        yield figures


def _full(gateway: _Gateway, body: Path, seconds: float) -> dict[str, float]:
    return _with_cost(gateway, lambda: closed_loop(gateway.port, PLAIN[MODEL], [body], _CALLERS, seconds))


def _calm(gateway: _Gateway, body: Path, rate: float, seconds: float) -> dict[str, float]:
    return _with_cost(gateway, lambda: open_loop(gateway.port, PLAIN[MODEL], [body], rate, seconds))


def _with_cost(gateway: _Gateway, load: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    before, cpu = gateway.fates(), gateway.process.cpu_seconds()
    measured = load()
    cpu_ms = 1000 * (gateway.process.cpu_seconds() - cpu) / max(1, measured["requests"])
    after = gateway.fates()
    compared = after.get("compared", 0) - before.get("compared", 0)
    return {**measured, "cpu_ms": cpu_ms, "compared": compared / max(1, measured["requests"])}


_HEAD = ["shadows", "answers/s", "CPU of an answer", "compared", "errors"]
_HEAD += ["at a calm rate: p50", "p99", "CPU of an answer", "compared", "errors"]


def _row(name: str, full: Sequence[Mapping[str, Any]], calm: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    def ratio(rounds: Sequence[Mapping[str, Any]], figure: str, best: Callable[..., float] = min) -> str:
        """Compare the best rounds, which were disturbed least, and the rounds' own ratios by their median."""
        figures = {which: [each[which][figure] for each in rounds] for which in (name, "none")}
        middle = statistics.median(one / other for one, other in zip(figures[name], figures["none"], strict=True))
        return f"{best(figures[name]) / best(figures['none']):.2f} ({middle:.2f})"

    def share(rounds: Sequence[Mapping[str, Any]]) -> str:
        return f"{statistics.mean(each[name]['compared'] for each in rounds):.0%}"

    def errors(rounds: Sequence[Mapping[str, Any]]) -> str:
        return str(sum(each[name]["errors"] for each in rounds))

    full_load = (ratio(full, "per_second", max), ratio(full, "cpu_ms"), share(full), errors(full))
    return name, *full_load, *(ratio(calm, it) for it in ("p50_ms", "p99_ms", "cpu_ms")), share(calm), errors(calm)


@contextmanager
def _running(models: Path, name: str, shadow: str) -> Iterator[_Gateway]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "serving",
        "serve",
        f"--models-dir={models}",
        f"--models={MODEL}",
        f"--port={port}",
    ]
    log = WORK / "logs" / f"shadow-{name.replace(' ', '-')}.log"
    with running([*command, f"--port={port}"], log, {"ACCESS_LOG": "off", "SHADOW": shadow}) as process:
        wait_until(process, lambda: is_ready(port))
        yield _Gateway(name, process, port)
