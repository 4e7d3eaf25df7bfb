#!/usr/bin/env bash
# Guess: In a gRPC handler, context.time_remaining() is None if the caller set no deadline, as its documentation says,
# and as it is in grpc.aio.
# Instead: Of a server with threads it is 9.2e18 seconds. "if remaining is None" never holds: a limit of one's own for
# callers without a deadline is never set, and what adds it to a date or passes it to a lock or a socket overflows.
# Do: Take the smaller one of what remains and a limit of one's own.
# Versions: grpcio 1.85.1
# Output seen:
#   grpcio 1.85.1
#   no deadline: 9.223372035058789e+18, in asyncio None; of 5 s: True; a lock with such a timeout: OverflowError:
#   timestamp out of range for platform time_t
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" grpcio==1.85.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc

print("grpcio", grpc.__version__)


def ask(port, **options):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        return channel.unary_unary("/test.Test/Ask")(b"", **options).decode()


def handlers(answer):
    method = grpc.unary_unary_rpc_method_handler(answer)
    return (grpc.method_handlers_generic_handler("test.Test", {"Ask": method}),)


async def answer(request, context):
    return repr(context.time_remaining()).encode()


async def in_asyncio():
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(handlers(answer))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    told = await asyncio.to_thread(ask, port)
    await server.stop(0)
    return told


server = grpc.server(ThreadPoolExecutor(2))
server.add_generic_rpc_handlers(handlers(lambda request, context: repr(context.time_remaining()).encode()))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
none, five = ask(port), float(ask(port, timeout=5))
server.stop(0)
try:
    threading.Lock().acquire(timeout=float(none))
    waited = "waits"
except OverflowError as error:
    waited = f"OverflowError: {error}"
other = asyncio.run(in_asyncio())
print(f"no deadline: {none}, in asyncio {other}; of 5 s: {five > 4}; a lock with such a timeout: {waited}")
assert float(none) > 1e18 and other == "None" and five > 4
assert waited.startswith("OverflowError")
PYTHON
