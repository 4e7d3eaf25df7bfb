"""The comparison: in each round, every server is started, checked, loaded and stopped, one after the other.

The order of the servers rotates by one from round to round, so that changes in the machine's speed affect all alike.
"""

import contextlib
import http.client
import random
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import WORK, python_of
from benchmarks.load import LoadFailed, closed_loop, open_loop
from benchmarks.payloads import Payload
from benchmarks.processes import Running, running
from benchmarks.results import Results
from benchmarks.servers import Route, Server

Say = Callable[[str], None]

START_SECONDS = 120.0


@dataclass(frozen=True)
class Plan:
    """What is measured of each server, and for how long; *rates* (requests/s by model) in the last round only."""

    rounds: int
    seconds: float
    warm_up_seconds: float
    callers: tuple[int, ...]
    rates: Mapping[str, tuple[float, ...]]


class Failed(RuntimeError):
    """A server did not start, or did not answer correctly."""


def compare(
    servers: Sequence[Server], models: Path, payloads: Mapping[str, Payload], plan: Plan, results: Results, say: Say
) -> None:
    """Measure all *servers*. A failure is recorded with the end of the server's log, and the others are measured."""
    for number in range(plan.rounds):
        turn = number % len(servers)
        for server in [*servers[turn:], *servers[:turn]]:
            say(f"round {number + 1} of {plan.rounds}: {server.name}")
            try:
                last = number == plan.rounds - 1
                _measure(server, models, payloads, plan, results, number, with_rates=last)
            except (Failed, LoadFailed, OSError) as error:
                say(f"  {server.name} failed: {error}")
                results.add("failure", server=server.name, round=number, error=str(error))


def _measure(
    server: Server,
    models: Path,
    payloads: Mapping[str, Payload],
    plan: Plan,
    results: Results,
    number: int,
    with_rates: bool,
) -> None:
    port = free_port()
    command = [str(python_of(server.environment)), *server.command(port, models)]
    variables = {"BENCH_MODELS": str(models), **server.variables}
    log = WORK / "logs" / f"{server.name.lower().replace(' ', '-').replace(',', '')}.log"
    with running(command, log, variables, server.folder) as process:
        start = _until_correct(process, port, server, payloads)
        for model, payload in payloads.items():
            route = server.routes[model]
            check(port, route, payload)
            files = payload.write(route, WORK / "bodies" / log.stem / model)
            closed_loop(port, route, files, 8, plan.warm_up_seconds)
            for callers in plan.callers:
                before = process.cpu_seconds()
                measured = closed_loop(port, route, files, callers, plan.seconds)
                cpu_seconds = process.cpu_seconds() - before
                measured["cpu_ms"] = round(1000 * cpu_seconds / max(1, measured["requests"]), 3)
                results.add("closed", server=server.name, round=number, model=model, callers=callers, **measured)
            for rate in plan.rates.get(model, ()) if with_rates else ():
                measured = open_loop(port, route, files, rate, plan.seconds)
                results.add("open", server=server.name, round=number, model=model, **measured)
            check(port, route, payload)
        memory = {"memory_mb": round(process.memory_mb(), 1), "anonymous_mb": round(process.anonymous_mb(), 1)}
        results.add("process", server=server.name, round=number, start_seconds=round(start, 2), **memory)


def _until_correct(process: Running, port: int, server: Server, payloads: Mapping[str, Payload]) -> float:
    """Wait until each model has answered correctly. Return the seconds since the start. Raises Failed."""
    for model, payload in payloads.items():
        while problem := send(port, server.routes[model], payload, 0):
            if process.ended():
                raise Failed(f"it ended:\n{process.last_lines()}")
            if time.monotonic() > process.started + START_SECONDS:
                raise Failed(
                    f"{model}: no correct answer in {START_SECONDS:.0f} s ({problem}):\n{process.last_lines()}"
                )
            time.sleep(0.05)
    return time.monotonic() - process.started


def check(port: int, route: Route, payload: Payload) -> None:
    """Send each instance. Raises Failed at the first wrong answer."""
    for index in range(len(payload.instances)):
        if problem := send(port, route, payload, index):
            raise Failed(f"{route.path}, instance {index}: {problem}")


def send(port: int, route: Route, payload: Payload, index: int) -> str:
    """Send one instance. Return what is wrong with the answer; empty if nothing is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        body = route.encode(payload.instances[index])
        connection.request("POST", route.path, body, {"Content-Type": route.media_type})
        reply = connection.getresponse()
        text = reply.read()
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()
    return payload.check(index, text) if reply.status == 200 else f"status {reply.status}: {text[:200]!r}"


def free_port() -> int:
    """Return a port that is free, like the next one, below those that the system assigns to clients."""
    while True:
        port = random.randrange(15_000, 30_000)  # noqa: S311 - nothing secret
        with socket.socket() as first, socket.socket() as second, contextlib.suppress(OSError):
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
