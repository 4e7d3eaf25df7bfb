"""An open loop: requests are sent at random times with a given mean rate, whether or not earlier ones were answered.

Latency counts from the time at which a request was due, so it includes the delay if the server falls behind. (wrk and
hey send fewer requests when answers are late, which hides the delay: coordinated omission.)
Run as `python -m benchmarks.open_loop PORT PATH MEDIA_TYPE PER_SECOND SECONDS FILE...`.
"""

import asyncio
import itertools
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

_SEED = 1
_ANSWER_SECONDS = 10.0
_LATE_SECONDS = 0.005
_MAX_CONNECTIONS = 512
_REFUSED = (429, 503)


class _Load:
    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port = port
        self._requests = itertools.cycle(requests)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._open = 0
        self.latencies: list[float] = []
        self.refusals: list[float] = []
        self.errors = 0
        self.late = 0

    async def send(self, due: float) -> None:
        """Send one request now; its latency counts from *due*."""
        loop = asyncio.get_running_loop()
        self.late += loop.time() - due > _LATE_SECONDS
        self._open += 1
        try:
            if self._open > _MAX_CONNECTIONS:
                raise OSError("too many requests are waiting")
            status = await asyncio.wait_for(self._exchange(next(self._requests)), _ANSWER_SECONDS)
            if status == 200:
                self.latencies.append(loop.time() - due)
            else:
                self.errors += 1
                if status in _REFUSED:
                    self.refusals.append(loop.time() - due)
        except (OSError, TimeoutError, EOFError, ValueError):
            self.errors += 1
        finally:
            self._open -= 1

    async def _exchange(self, request: bytes) -> int:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        keep = False
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            await reader.readexactly(length)
            keep = "connection: close" not in head
        finally:
            if keep:
                self._idle.append((reader, writer))
            else:
                writer.close()
        return int(head.split()[1])


async def _run(port: int, requests: Sequence[bytes], per_second: float, seconds: float) -> _Load:
    load, chance, loop = _Load(port, requests), random.Random(_SEED), asyncio.get_running_loop()  # noqa: S311
    start = due = loop.time() + 0.1
    tasks = []
    while (due := due + chance.expovariate(per_second)) < start + seconds:
        await asyncio.sleep(max(0.0, due - loop.time()))
        tasks.append(asyncio.create_task(load.send(due)))
    await asyncio.gather(*tasks)
    return load


def main(arguments: Sequence[str]) -> None:
    """Run the load and print one line of JSON."""
    port, path, media_type, per_second, seconds, *files = arguments
    requests = []
    for body in (Path(file).read_bytes() for file in files):
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\n"
        requests.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    load = asyncio.run(_run(int(port), requests, float(per_second), float(seconds)))
    sent = len(load.latencies) + load.errors
    quantiles = _quantiles("", load.latencies) | _quantiles("refused_", load.refusals)
    counts = {"requests": sent, "asked_per_second": float(per_second), "late": round(load.late / max(1, sent), 4)}
    print("JSON", json.dumps({**counts, **quantiles, "errors": load.errors, "refused": len(load.refusals)}))


def _quantiles(prefix: str, seconds: Sequence[float]) -> dict[str, float]:
    millis = sorted(1000 * each for each in seconds) or [float("nan")]
    return {f"{prefix}p{q}_ms": round(millis[min(len(millis) - 1, len(millis) * q // 100)], 3) for q in (50, 90, 99)}


if __name__ == "__main__":
    main(sys.argv[1:])
