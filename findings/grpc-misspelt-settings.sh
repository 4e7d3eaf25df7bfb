#!/usr/bin/env bash
# Guess: As a bad value in a channel's settings is an error at the first call, a name that is unknown is one, too.
# Instead: Names are not checked, of options and in the service config's JSON: retries or limits that were
# asked for aren't there, and no log says so.
# Do: Test each setting by what it does (a call that fails once, an answer over 4 MB), not by its being there.
# Versions: grpcio 1.85.1
# Output seen:
#   grpcio 1.85.1
#   bad value: INVALID_ARGUMENT; unknown names: answered; misspelt limit, 5 MB: RESOURCE_EXHAUSTED
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" grpcio==1.85.1
cd "$folder"

venv/bin/python - <<'PYTHON'
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


def outcome(options):
    try:
        return "answered" if ask(address, options=options) else ""
    except grpc.RpcError as error:
        return error.code().name


server, address = serve(lambda request, context: b"ok")
bad = outcome([("grpc.service_config", '{"methodConfig": 5}')])
unknown = outcome([("grpc.service_config", '{"methodConfigs": 5}'), ("grpc.kepalive_time_ms", 1000)])
server.stop(0)
server, address = serve(lambda request, context: bytes(5_000_000))
limit = outcome([("grpc.max_recieve_message_length", -1)])
server.stop(0)
print(f"bad value: {bad}; unknown names: {unknown}; misspelt limit, 5 MB: {limit}")
assert (bad, unknown, limit) == ("INVALID_ARGUMENT", "answered", "RESOURCE_EXHAUSTED")
PYTHON
