"""An open loop: requests are sent at random times with a given mean rate, whether or not earlier ones were answered.

Latency counts from the time at which a request was due, so it includes the delay if the server falls behind. (wrk and
hey send fewer requests when answers are late, which hides the delay: coordinated omission.)
Run as `python -m benchmarks.open_loop PORT PATH MEDIA_TYPE PER_SECOND SECONDS FILE...`.

A request goes out on a connection that is kept and free, else on a new one. What became of each is counted apart:
answered; `refused` (429, 503), `failed` (another status), `closed` (without an answer), `unanswered` (for ten seconds);
and what the server never saw: `unsent` (all connections in use, or none could be made). `busy` is the share of the time
that the generator itself took of its processor: near 1, it was the limit.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from serving.process.descriptors import raise_limit

_SEED = 1
_ANSWER_SECONDS = 10.0
_LATE_SECONDS = 0.005
_MAX_CONNECTIONS = 2048
_REFUSED = (429, 503)
_LOST = ("failed", "closed", "unanswered", "unsent")


class _Load:
    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port = port
        self._requests = itertools.cycle(requests)
        self._connections = 0
        self.idle: list[_Connection] = []
        self.open: set[_Connection] = set()
        self.latencies: list[float] = []
        self.refusals: list[float] = []
        self.counts: Counter[str] = Counter()
        self.late = self.answers_meanwhile = 0
        self.ended = False

    async def send(self, due: float) -> None:
        """Send one request now; its latency counts from *due*."""
        self.late += time.monotonic() - due > _LATE_SECONDS
        try:
            connection = self.idle.pop() if self.idle else await self._connect()
        except TimeoutError:
            self.counts["unanswered"] += 1
        except OSError:
            self.counts["unsent"] += 1
        else:
            self.open.add(connection)
            connection.send(next(self._requests), due)

    async def _connect(self) -> "_Connection":
        if self._connections >= _MAX_CONNECTIONS:
            raise OSError("all connections are in use")
        self._connections += 1
        connecting = asyncio.get_running_loop().create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return (await connecting)[1]
        except OSError:
            self._connections -= 1
            raise

    def answered(self, connection: "_Connection", status: int, seconds: float) -> None:
        """Count an answer."""
        self.open.discard(connection)
        if seconds > _ANSWER_SECONDS:
            self.counts["unanswered"] += 1
        elif status == 200:
            self.latencies.append(seconds)
            self.answers_meanwhile += not self.ended
        elif status in _REFUSED:
            self.refusals.append(seconds)
        else:
            self.counts["failed"] += 1

    def lost(self, connection: "_Connection") -> None:
        """Count the end of a connection, and of the request that is open on it."""
        self._connections -= 1
        self.counts["closed"] += connection in self.open
        self.open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)


class _Connection(asyncio.Protocol):
    def __init__(self, load: _Load) -> None:
        self._load = load
        self._came = b""
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of TCP
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, end, body = self._came.partition(b"\r\n\r\n")
        lower = head.lower()
        if not end or len(body) < int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0]):
            return
        self._came = b""
        self._load.answered(self, int(head.split()[1]), time.monotonic() - self._due)
        if b"connection: close" in lower:
            self._transport.close()
        else:
            self._load.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost(self)


async def _run(port: int, requests: Sequence[bytes], per_second: float, seconds: float) -> _Load:
    load, chance = _Load(port, requests), random.Random(_SEED)  # noqa: S311
    start = due = time.monotonic() + 0.1
    tasks = []
    while (due := due + chance.expovariate(per_second)) < start + seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(load.send(due)))
    load.ended = True
    await asyncio.gather(*tasks)
    until = time.monotonic() + _ANSWER_SECONDS
    while load.open and time.monotonic() < until:
        await asyncio.sleep(0.01)
    load.counts["unanswered"] += len(load.open)
    return load


def main(arguments: Sequence[str]) -> None:
    """Run the load and print one line of JSON."""
    port, path, media_type, per_second, seconds, *files = arguments
    requests = []
    for body in (Path(file).read_bytes() for file in files):
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\n"
        requests.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    raise_limit(_MAX_CONNECTIONS + 100)
    begun = time.monotonic()
    load = asyncio.run(_run(int(port), requests, float(per_second), float(seconds)))
    busy = round(time.process_time() / (time.monotonic() - begun), 2)
    lost = {name: load.counts[name] for name in _LOST}
    errors = len(load.refusals) + sum(lost.values())
    sent = len(load.latencies) + errors
    quantiles = _quantiles("", load.latencies) | _quantiles("refused_", load.refusals)
    counts = {"requests": sent, "asked_per_second": float(per_second), "late": round(load.late / max(1, sent), 4)}
    counts["per_second"] = round(load.answers_meanwhile / float(seconds), 2)
    counts |= {"errors": errors, "refused": len(load.refusals), **lost, "busy": busy}
    print("JSON", json.dumps({**counts, **quantiles}))


def _quantiles(prefix: str, seconds: Sequence[float]) -> dict[str, float]:
    millis = sorted(1000 * each for each in seconds) or [float("nan")]
    return {f"{prefix}p{q}_ms": round(millis[min(len(millis) - 1, len(millis) * q // 100)], 3) for q in (50, 90, 99)}


if __name__ == "__main__":
    main(sys.argv[1:])
