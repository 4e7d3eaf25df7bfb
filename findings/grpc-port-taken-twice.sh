#!/usr/bin/env bash
# Guess: A second server on the same port of the same machine can't start: the address is in use.
# Instead: Both start and share the port, as long as one user runs both: a server left over from yesterday
# goes on answering part of the requests, with yesterday's model.
# Do: Set grpc.so_reuseport to 0, as the project's model server does; its gateway's workers share on purpose.
# Versions: grpcio 1.85.1
# Output seen:
#   grpcio 1.85.1
#   two servers on one port: both answer; with so_reuseport=0: RuntimeError
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


alone = (("grpc.use_local_subchannel_pool", 1),)  # a connection of its own for each channel
old, address = serve(lambda request, context: b"old")
new, same = serve(lambda request, context: b"new", address)
answers = {ask(address, options=alone) for _ in range(60)}
for server in (old, new):
    server.stop(0)
first, address = serve(lambda request, context: b"first", options=[("grpc.so_reuseport", 0)])
try:
    serve(lambda request, context: b"second", address, options=[("grpc.so_reuseport", 0)])
    alone = "started"
except RuntimeError as error:
    alone = type(error).__name__
first.stop(0)
print("two servers on one port:", "both answer" if len(answers) == 2 else answers, end="; ")
print("with so_reuseport=0:", alone)
assert same != "127.0.0.1:0" and answers == {b"old", b"new"}
assert alone == "RuntimeError"
PYTHON
