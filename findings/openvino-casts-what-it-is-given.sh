#!/usr/bin/env bash
# Guess: An array of another type than the model's input is refused, as ONNX Runtime and LiteRT do.
# Instead: OpenVINO casts it as NumPy does, without a word: a picture scaled to 0..1 is black for a model that takes uint8, and
# a pixel of 300 is 44. The id 2**32 + 5 of a word is 5 for a model that takes int32.
# Do: Check types and ranges before the call, as the contract does.
# Versions: openvino 2026.4.1 numpy 2.4.6
# Output seen:
#   openvino 2026.4.1
#   uint8 of 0.5, 0.99, 300.0: [0, 0, 44]
#   int32 of 4294967301: [5]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" openvino==2026.4.1 numpy==2.4.6
cd "$folder"

venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import numpy as np
import openvino
import openvino.opset15 as operations

print("openvino", openvino.__version__.partition("-")[0])


def taken(dtype, values):
    given = operations.parameter([-1], dtype)
    model = openvino.compile_model(openvino.Model([operations.convert(given, np.int32)], [given]), "CPU")
    return model(np.array(values))[0].tolist()


pixels, ids = taken(np.uint8, [0.5, 0.99, 300.0]), taken(np.int32, [2**32 + 5])
print("uint8 of 0.5, 0.99, 300.0:", pixels)
print(f"int32 of {2**32 + 5}:", ids)
assert pixels == [0, 0, 44] and ids == [5]
PYTHON
