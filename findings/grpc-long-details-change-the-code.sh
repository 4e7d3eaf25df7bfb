#!/usr/bin/env bash
# Guess: A call that a server ends with INVALID_ARGUMENT fails with that code at the client, whatever its message.
# Instead: The message travels as metadata, which a client takes up to 16 KiB: with a longer one, a list of all
# that is wrong with a batch say, the call fails with RESOURCE_EXHAUSTED and without the message. Callers take it
# for overload, and send it again.
# Do: Cut messages in the server, as the project does, or set grpc.absolute_max_metadata_size at the client.
# Versions: grpcio 1.85.1
# Output seen:
#   grpcio 1.85.1
#   [('INVALID_ARGUMENT', True), ('RESOURCE_EXHAUSTED', False), ('INVALID_ARGUMENT', True)]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" grpcio==1.85.1
cd "$folder"

GRPC_VERBOSITY=NONE venv/bin/python - <<'PYTHON'
from concurrent import futures

import grpc

print("grpcio", grpc.__version__)


class Refusing(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: context.abort(grpc.StatusCode.INVALID_ARGUMENT, "x" * int(request))
        )


server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[Refusing()])
port = server.add_insecure_port("127.0.0.1:0")
server.start()


def outcome(length, **options):
    with grpc.insecure_channel(f"127.0.0.1:{port}", list(options.items())) as channel:
        try:
            channel.unary_unary("/a/b")(str(length).encode(), timeout=10)
        except grpc.RpcError as error:
            return error.code().name, len(error.details()) == length


larger = {"grpc.max_metadata_size": 65536, "grpc.absolute_max_metadata_size": 65536}
seen = [outcome(100), outcome(20_000), outcome(20_000, **larger)]
print(seen)
server.stop(None)
assert seen == [("INVALID_ARGUMENT", True), ("RESOURCE_EXHAUSTED", False), ("INVALID_ARGUMENT", True)]
PYTHON
