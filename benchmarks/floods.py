"""A gateway under siege: what idle connections, too many requests and large pictures cost other callers.

Everything is measured in one run, with and without in turn, and told as ratios. The load has a processor of its own,
and the gateway has the others: else each would take time from the other, and a flood is more work to send than a few
callers are. The siege is compared with one of the same size elsewhere, since its sender has work to do, too.

The gateway's own processor time for an answer is told as well: other users of the machine hardly change that.
"""

import http.client
import io
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.environments import ROOT, WORK
from benchmarks.gateway import is_ready, wait_until
from benchmarks.load import LoadFailed, closed_loop, open_loop
from benchmarks.payloads import reviews
from benchmarks.processes import Running, running
from benchmarks.results import Results
from benchmarks.rounds import free_port
from benchmarks.servers import PLAIN

Say = Callable[[str], None]

IDLE, DRIPPING = 2000, 200
TIMES = 10
_CALLERS, _MANY_CALLERS = 8, 32
_INSTANCES = 64
"""Of a request in the overload: as costly as it has to be for this machine to send ten times what it answers."""


_SIDE = 7000
"""Of a large picture: 49 million pixels, just within the default limit."""


def measure_floods(models: Path, rounds: int, seconds: float, results: Results, say: Say) -> None:
    """Measure each, on a gateway of its own."""
    with tempfile.TemporaryDirectory(prefix="plumbline-benchmark-") as folder:
        body, large = Path(folder) / "body", Path(folder) / "large"
        texts = reviews(models / "sentiment")
        body.write_bytes(PLAIN["sentiment"].encode(texts[0]))
        large.write_bytes(PLAIN["sentiment"].encode({"instances": (texts * _INSTANCES)[:_INSTANCES]}))
        with _gateway(models) as (process, port):
            _besiege(process, port, body, rounds, max(2.0, seconds / 10), results, say)
        with _gateway(models) as (process, port):
            _overload(process, port, large, rounds, seconds, results, say)
        with _gateway(models, "sentiment", "image") as (process, port):
            _beside_pictures(port, body, rounds, max(2.0, seconds / 10), results, say)


def _besiege(process: Running, port: int, body: Path, rounds: int, seconds: float, results: Results, say: Say) -> None:
    ratios, costs, errors = [], [], 0
    for number in range(rounds):
        kinds = [0, port] if number % 2 else [port, 0]
        measured = {besieged: _under_siege(process, port, besieged, body, seconds) for besieged in kinds}
        under, elsewhere = measured[port], measured[0]
        ratios.append(under["per_second"] / elsewhere["per_second"])
        costs.append(under["cpu_ms"] / elsewhere["cpu_ms"])
        errors += under["errors"]
        results.add("siege", round=number, ratio=ratios[-1], cpu_ratio=costs[-1], errors=under["errors"])
    say(
        f"{IDLE} idle and {DRIPPING} dripping: {statistics.median(ratios):.2f} of the answers "
        f"({min(ratios):.2f} to {max(ratios):.2f}), each at {statistics.median(costs):.2f} times the processor time; "
        f"{errors} errors"
    )


def _under_siege(process: Running, port: int, besieged: int, body: Path, seconds: float) -> dict[str, Any]:
    with _siege(besieged):
        return _with_cost(process, lambda: closed_loop(port, PLAIN["sentiment"], [body], _CALLERS, seconds))


def _with_cost(process: Running, load: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    before = process.cpu_seconds()
    measured = load()
    answers = max(1, measured["requests"] - measured["errors"])
    return {**measured, "cpu_ms": 1000 * (process.cpu_seconds() - before) / answers}


def _overload(process: Running, port: int, body: Path, rounds: int, seconds: float, results: Results, say: Say) -> None:
    def calm() -> dict[str, Any]:
        load = partial(closed_loop, port, PLAIN["sentiment"], [body], _MANY_CALLERS, max(2.0, seconds / 10))
        return _with_cost(process, load)

    calm()
    before = [calm() for _ in range(rounds)]
    peak = statistics.median(each["per_second"] for each in before)
    flood = _with_cost(process, lambda: open_loop(port, PLAIN["sentiment"], [body], TIMES * peak, seconds))
    after = calm()["per_second"]
    results.add("overload", peak=peak, peak_cpu_ms=before[-1]["cpu_ms"], after=after, **flood)
    say(
        f"{TIMES} times the peak of {peak:.0f}/s: {flood['per_second'] / peak:.2f} of its answers, {after / peak:.2f} "
        f"right after it; of {flood['requests']} requests {flood['refused']} refused, half within "
        f"{flood['refused_p50_ms']:.0f} ms, 99 % within {flood['refused_p99_ms']:.0f} ms; {flood['failed']} of another "
        f"status, {flood['closed']} closed, {flood['unanswered']} unanswered, {flood['unsent']} not sent; "
        f"the load was busy for {flood['busy']:.0%} of the time"
    )


def _beside_pictures(port: int, body: Path, rounds: int, seconds: float, results: Results, say: Say) -> None:
    def answers() -> float:
        return float(closed_loop(port, PLAIN["sentiment"], [body], _CALLERS, seconds)["per_second"])

    ratios, statuses = [], Counter[int]()
    answers()
    for number in range(rounds):
        alone = answers()
        with _sending_pictures(port, statuses):
            ratios.append(answers() / alone)
        results.add("pictures", round=number, ratio=ratios[-1])
    told = ", ".join(f"{count} times {status}" for status, count in sorted(statuses.items()))
    say(
        f"beside {_CALLERS} callers with pictures of {_SIDE}x{_SIDE}: {statistics.median(ratios):.2f} of the answers "
        f"({min(ratios):.2f} to {max(ratios):.2f}); the pictures got {told}"
    )


@contextmanager
def _sending_pictures(port: int, statuses: Counter[int]) -> Iterator[None]:
    """Have callers send a picture that is small as a file, one after the other, and count the *statuses* they get."""
    file = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE), "teal").save(file, "PNG")
    stopping = threading.Event()

    def send() -> None:
        while not stopping.wait(0.05):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", "/predict/image", file.getvalue(), {"Content-Type": "image/png"})
            statuses[connection.getresponse().status] += 1
            connection.close()

    threads = [threading.Thread(target=send, daemon=True) for _ in range(_CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


@contextmanager
def _gateway(models: Path, *served: str) -> Iterator[tuple[Running, int]]:
    """Run a gateway on all processors but one, to which this process and what it starts keep meanwhile."""
    everywhere = os.sched_getaffinity(0)
    if len(everywhere) < 2:
        raise LoadFailed("the load needs a processor of its own beside the gateway's: run on two or more")
    port, ours = free_port(), {min(everywhere)}
    names = ",".join(served or ["sentiment"])
    command = [sys.executable, "-m", "serving", "serve", f"--models-dir={models}", f"--models={names}"]
    try:
        os.sched_setaffinity(0, everywhere - ours)
        variables = {"ACCESS_LOG": "off", "WORKERS": str(len(everywhere - ours))}  # a process for each processor
        with running([*command, f"--port={port}"], WORK / "logs" / "floods.log", variables) as process:
            os.sched_setaffinity(0, ours)
            wait_until(process, lambda: is_ready(port))
            yield process, port
    finally:
        os.sched_setaffinity(0, everywhere)


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
