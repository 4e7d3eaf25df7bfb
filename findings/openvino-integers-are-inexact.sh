#!/usr/bin/env bash
# Guess: Whole numbers are computed exactly, int64 in 64 bits: hashes and remainders of them are the same everywhere.
# Instead: On the CPU OpenVINO takes int64 as int32, so products wrap at 2**31, and takes remainders in float32: from 2**24 on
# they are off by some. A model that hashes its n-grams reads the weights of others, and its scores are wrong by 0.4.
# Do: Compare a converted model on the original's scores, and have nothing that hashes in it.
# Versions: openvino 2026.4.1 numpy 2.4.6
# Output seen:
#   openvino 2026.4.1
#   16777217 and 123456789 as int32: modulo 1000 [216, 792] instead of [217, 789]
#   as int64: modulo 1000 [216, 792]; times 1000 [-402652184, -1097262584] instead of [16777217000, 123456789000]
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
VALUES = [2**24 + 1, 123_456_789]


def computed(dtype):
    given, thousand = operations.parameter([-1], dtype), operations.constant(dtype(1000))
    outputs = [operations.floor_mod(given, thousand), operations.multiply(given, thousand)]
    model = openvino.compile_model(openvino.Model(outputs, [given]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = model(np.array(VALUES, dtype))
    return [results[place].tolist() for place in range(2)]


remainders, _ = computed(np.int32)
long_remainders, products = computed(np.int64)
right, right_products = [value % 1000 for value in VALUES], [value * 1000 for value in VALUES]
print(f"{VALUES[0]} and {VALUES[1]} as int32: modulo 1000 {remainders} instead of {right}")
print(f"as int64: modulo 1000 {long_remainders}; times 1000 {products} instead of {right_products}")
assert remainders == long_remainders == [216, 792]
assert products == [-402_652_184, -1_097_262_584]
PYTHON
