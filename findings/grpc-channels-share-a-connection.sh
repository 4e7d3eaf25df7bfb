#!/usr/bin/env bash
# Guess: Each channel has a connection of its own: four of them spread the load, over four servers of a
# balancer too, and one call's large answer doesn't hold up the others'.
# Instead: Channels of one process with the same target and options share one connection, whatever their number.
# Do: Set grpc.use_local_subchannel_pool to 1, or give each channel another value of some option.
# Versions: grpcio 1.85.1
# Output seen:
#   grpcio 1.85.1
#   connections of 4 channels: 1; each with a pool of its own: 4
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



def connections(*options):
    peers = set()

    def note(request, context):
        peers.add(context.peer())
        return b""

    server, address = serve(note)
    channels = [grpc.insecure_channel(address, options) for _ in range(4)]
    for channel in channels:
        channel.unary_unary("/test.Test/Ask")(b"", timeout=30)
    for channel in channels:
        channel.close()
    server.stop(0)
    return len(peers)


shared, own = connections(), connections(("grpc.use_local_subchannel_pool", 1))
print(f"connections of 4 channels: {shared}; each with a pool of its own: {own}")
assert (shared, own) == (1, 4)
PYTHON
