#!/usr/bin/env bash
# Guess: A NaN in the input comes out as NaN: ReLU, a maximum and a clip keep it in NumPy, TensorFlow, PyTorch and LiteRT.
# Instead: OpenVINO's ReLU and clip give 0 for it, and its maximum the largest of the others. Behind the first ReLU a row
# with a missing number is a row like others, and its score finite and plausible.
# Do: Refuse NaN in what comes in, as the project does; don't look for NaN in the answers.
# Versions: openvino 2026.4.1 numpy 2.4.6
# Output seen:
#   openvino 2026.4.1
#   of NaN, -1, 2: ReLU [0.0, 0.0, 2.0], clip to 0..1 [0.0, 0.0, 1.0], maximum [2.0]
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
row = operations.parameter([-1, 3], np.float32)
outputs = [operations.relu(row), operations.clamp(row, 0, 1), operations.reduce_max(row, np.int64([1]), True)]
model = openvino.compile_model(openvino.Model(outputs, [row]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
results = model(np.array([[np.nan, -1, 2]], np.float32))
relu, clip, largest = (results[place][0].tolist() for place in range(3))
print(f"of NaN, -1, 2: ReLU {relu}, clip to 0..1 {clip}, maximum {largest}")
assert (relu, clip, largest) == ([0, 0, 2], [0, 0, 1], [2])
PYTHON
