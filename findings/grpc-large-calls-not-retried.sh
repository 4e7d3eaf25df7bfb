#!/usr/bin/env bash
# Guess: A retryPolicy holds for all calls of its method, and maxAttempts is how often each is tried.
# Instead: A request of over 256 KiB is sent once: it isn't kept for another attempt. So the retries that a
# test with small requests has shown are missing for pictures and batches. And more than 5 attempts are made 5,
# which only a line on stderr tells.
# Do: Set grpc.per_rpc_retry_buffer_size to the largest request, as the project does.
# Versions: grpcio 1.85.1
# Output seen:
#   grpcio 1.85.1
#   1 KB: 5 attempts of 8; 300 KB: 1; 300 KB and a larger buffer: 5
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" grpcio==1.85.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import json
from concurrent.futures import ThreadPoolExecutor

import grpc

print("grpcio", grpc.__version__)


def serve(answer, address="127.0.0.1:0", options=()):
    handlers = {"Ask": grpc.unary_unary_rpc_method_handler(answer)}
    server = grpc.server(ThreadPoolExecutor(2), options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Test", handlers),))
    port = server.add_insecure_port(address)
    server.start()
    return server, f"127.0.0.1:{port}"


def ask(address, request=b"", options=()):
    with grpc.insecure_channel(address, options) as channel:
        return channel.unary_unary("/test.Test/Ask")(request, timeout=30)


POLICY = {
    "maxAttempts": 8,
    "initialBackoff": "0.01s",
    "maxBackoff": "0.01s",
    "backoffMultiplier": 1,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
CONFIG = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": POLICY}]})


def attempts(size, *options):
    seen = []

    def refuse(request, context):
        seen.append(request)
        context.abort(grpc.StatusCode.UNAVAILABLE, "not now")

    server, address = serve(refuse)
    try:
        ask(address, b"x" * size, [("grpc.service_config", CONFIG), *options])
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.UNAVAILABLE
    server.stop(0)
    return len(seen)


small, large = attempts(1000), attempts(300_000)
buffered = attempts(300_000, ("grpc.per_rpc_retry_buffer_size", 1 << 20))
print(f"1 KB: {small} attempts of 8; 300 KB: {large}; 300 KB and a larger buffer: {buffered}")
assert (small, large, buffered) == (5, 1, 5)
PYTHON
