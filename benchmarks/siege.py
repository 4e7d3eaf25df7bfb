"""Connections that send nothing, or a byte of a request each half second.

Run as `python -m benchmarks.siege PORT IDLE DRIPPING`; it prints READY once all are open, and runs until terminated.
Those that are closed are opened again, as an attacker would. With port 0 it besieges itself: what that costs others is
the price of this process on the same machine.
"""

import asyncio
import contextlib
import sys
from collections.abc import Sequence

from serving.process.descriptors import raise_limit

_HEAD = b"POST /predict/sentiment HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Filler: " + b"a" * 4000
_DRIP_SECONDS = 0.5
_PAUSE_SECONDS = 0.1


async def _hold(port: int, drips: bool, opened: asyncio.Semaphore) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            opened.release()
            waiting = asyncio.create_task(_drip(writer)) if drips else None
            await reader.read()
            if waiting:
                waiting.cancel()
            writer.close()
        await asyncio.sleep(_PAUSE_SECONDS)


async def _drip(writer: asyncio.StreamWriter) -> None:
    for byte in _HEAD:
        writer.write(bytes([byte]))
        await asyncio.sleep(_DRIP_SECONDS)


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        pass
    writer.close()


async def _run(port: int, idle: int, dripping: int) -> None:
    if not port:
        server = await asyncio.start_server(_swallow, "127.0.0.1", 0, backlog=idle + dripping)
        port = server.sockets[0].getsockname()[1]
    opened = asyncio.Semaphore(0)
    holds = [asyncio.create_task(_hold(port, number < dripping, opened)) for number in range(idle + dripping)]
    for _ in holds:
        await opened.acquire()
    print("READY", flush=True)
    await asyncio.gather(*holds)


def main(arguments: Sequence[str]) -> None:
    """Hold the connections."""
    port, idle, dripping = map(int, arguments)
    raise_limit(2 * (idle + dripping) + 100)
    asyncio.run(_run(port, idle, dripping))


if __name__ == "__main__":
    main(sys.argv[1:])
