"""A gateway under siege and overload: what idle and dripping connections cost other callers, and too many requests.

Everything is measured in one run, with and without in turn, and told as ratios.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environments import ROOT, WORK
from benchmarks.gateway import is_ready, wait_until
from benchmarks.load import closed_loop, open_loop
from benchmarks.payloads import reviews
from benchmarks.processes import running
from benchmarks.results import Results
from benchmarks.rounds import free_port
from benchmarks.servers import PLAIN

Say = Callable[[str], None]

IDLE, DRIPPING = 2000, 200
TIMES = 10
_CALLERS, _MANY_CALLERS = 8, 32
_INSTANCES = 64
"""Of a request in the overload: as costly as it has to be for this machine to send ten times what it answers."""


def measure_floods(models: Path, rounds: int, seconds: float, results: Results, say: Say) -> None:
    """Measure both, each on a gateway of its own."""
    with tempfile.TemporaryDirectory(prefix="plumbline-benchmark-") as folder:
        body, large = Path(folder) / "body", Path(folder) / "large"
        texts = reviews(models / "sentiment")
        body.write_bytes(PLAIN["sentiment"].encode(texts[0]))
        large.write_bytes(PLAIN["sentiment"].encode({"instances": (texts * _INSTANCES)[:_INSTANCES]}))
        with _gateway(models) as port:
            _besiege(port, body, rounds, max(2.0, seconds / 10), results, say)
        with _gateway(models) as port:
            _overload(port, large, rounds, seconds, results, say)


def _besiege(port: int, body: Path, rounds: int, seconds: float, results: Results, say: Say) -> None:
    ratios, errors = [], 0
    for number in range(rounds):
        before = closed_loop(port, PLAIN["sentiment"], [body], _CALLERS, seconds)
        with _siege(port):
            under = closed_loop(port, PLAIN["sentiment"], [body], _CALLERS, seconds)
        after = closed_loop(port, PLAIN["sentiment"], [body], _CALLERS, seconds)
        ratios.append(2 * under["per_second"] / (before["per_second"] + after["per_second"]))
        errors += under["errors"]
        results.add("siege", round=number, ratio=ratios[-1], errors=under["errors"])
    say(f"{IDLE} idle and {DRIPPING} dripping: {statistics.median(ratios):.2f} of the answers, {errors} errors")


def _overload(port: int, body: Path, rounds: int, seconds: float, results: Results, say: Say) -> None:
    route = PLAIN["sentiment"]
    peaks = [closed_loop(port, route, [body], _MANY_CALLERS, seconds / 10)["per_second"] for _ in range(rounds)]
    peak = statistics.median(peaks)
    flood = open_loop(port, route, [body], TIMES * peak, seconds)
    goodput = (flood["requests"] - flood["errors"]) / seconds
    after = closed_loop(port, route, [body], _MANY_CALLERS, max(2.0, seconds / 10))["per_second"]
    results.add("overload", peak=peak, goodput=goodput, after=after, **flood)
    say(
        f"{TIMES} times the peak: {goodput / peak:.2f} of its answers, {after / peak:.2f} right after it; "
        f"{flood['refused']} of {flood['requests']} refused, half within {flood['refused_p50_ms']:.0f} ms, "
        f"99 % within {flood['refused_p99_ms']:.0f} ms; {flood['errors'] - flood['refused']} other errors"
    )


@contextmanager
def _gateway(models: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "serving", "serve", f"--models-dir={models}", "--models=sentiment"]
    with running([*command, f"--port={port}"], WORK / "logs" / "floods.log", {"ACCESS_LOG": "off"}) as process:
        wait_until(process, lambda: is_ready(port))
        yield port


@contextmanager
def _siege(port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.siege", str(port), str(IDLE), str(DRIPPING)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as siege:
        assert siege.stdout  # noqa: S101 - it is a pipe
        siege.stdout.readline()
        try:
            yield
        finally:
            siege.terminate()
