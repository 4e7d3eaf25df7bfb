"""Load: wrk for the closed loop, `open_loop` for the open one. Both run on the processors of the process that asks."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT
from benchmarks.servers import Route

_SCRIPT = Path(__file__).with_name("wrk.lua")


class LoadFailed(RuntimeError):
    """The load generator failed."""


def closed_loop(port: int, route: Route, files: Sequence[Path], callers: int, seconds: float) -> dict[str, Any]:
    """Let each of *callers* send one request after the other, for whole *seconds*.

    Return `per_second`, `p50_ms`, `p99_ms`, `max_ms`, `errors`, `requests`. An error is a refused or broken connection,
    a status of 400 or more, or no answer within ten seconds. Raises LoadFailed.
    """
    command = ["wrk", "--threads=1", f"--connections={callers}", f"--duration={max(1, round(seconds))}s"]
    command += ["--timeout=10s", f"--script={_SCRIPT}", f"http://127.0.0.1:{port}", "--"]
    measured = _run([*command, route.path, route.media_type, *map(str, files)], seconds + 30)
    answered = measured["requests"] - measured["errors"]
    return {**measured, "per_second": round(answered / measured["seconds"], 2)}


def open_loop(port: int, route: Route, files: Sequence[Path], per_second: float, seconds: float) -> dict[str, Any]:
    """Send requests at the mean rate *per_second*, whatever the answers. Raises LoadFailed.

    Return `per_second`, the answers that came meanwhile, the latencies of answers and of refusals (429, 503),
    `requests`, `errors`, which are all but answers, and what became of these: `refused`, `failed` (another status),
    `closed`, `unanswered`, or `unsent`, which no server saw. `late` is the share of requests that were sent late, and
    `busy` the generator's share of its processor.
    """
    command = [sys.executable, "-m", "benchmarks.open_loop", str(port), route.path, route.media_type]
    return _run([*command, str(per_second), str(seconds), *map(str, files)], seconds + 30)


def _run(command: Sequence[str], max_seconds: float) -> dict[str, Any]:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=max_seconds)
    except FileNotFoundError as error:
        raise LoadFailed(f"{command[0]} is not installed: apt-get install {command[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"{command[0]} did not end within {max_seconds:.0f} s") from error
    lines = [line for line in done.stdout.splitlines() if line.startswith("JSON ")]
    if not lines:
        raise LoadFailed(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}")
    measured: dict[str, Any] = json.loads(lines[-1].removeprefix("JSON "))
    return measured
