#!/usr/bin/env bash
# Guess: To read a name that isn't in a message's map raises KeyError, as in a dict.
# Instead: For maps of messages it puts an empty message there. So a look at request.parameters["x"] sends
# another request, and an output whose name is misspelt reads as an empty one: no type, no values, no error.
# Do: Ask with "in" first, or use get(), which adds nothing.
# Versions: tritonclient 2.69.0 protobuf 6.33.6
# Output seen:
#   tritonclient 2.69.0 protobuf 6.33.6
#   get: None, bytes 0; read: '', bytes 14, keys ['priority']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" \
    'tritonclient[grpc]==2.69.0' protobuf==6.33.6
cd "$folder"

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from tritonclient.grpc.service_pb2 import ModelInferRequest

print("tritonclient", version("tritonclient"), "protobuf", version("protobuf"))
request = ModelInferRequest()
got, before = request.parameters.get("priority"), request.ByteSize()
read, after = request.parameters["priority"].string_param, request.ByteSize()
print(f"get: {got}, bytes {before}; read: {read!r}, bytes {after}, keys {list(request.parameters)}")
assert (got, before, read, list(request.parameters)) == (None, 0, "", ["priority"]) and after > 0
PYTHON
