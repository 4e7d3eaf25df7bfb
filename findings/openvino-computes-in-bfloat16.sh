#!/usr/bin/env bash
# Guess: A model whose weights and inputs are float32 is computed in float32, on any processor, and so gives the same scores
# to some six digits.
# Instead: Where the processor has operations for bfloat16, OpenVINO takes them unless told otherwise: three digits are left.
# Scores differ from training's by a hundredth, and from one machine to the next with the same files.
# Do: Set INFERENCE_PRECISION_HINT to f32 where scores are compared.
# Versions: openvino 2026.4.1 numpy 2.4.6 (on a processor with amx_bf16; without that the script says so)
# Output seen:
#   openvino 2026.4.1
#   chosen: bfloat16; largest error of a sum of 64 products: 0.049, in float32 2e-06
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
random = np.random.default_rng(1)
weights, rows = random.normal(size=(64, 1)).astype(np.float32), random.normal(size=(32, 64)).astype(np.float32)
row = operations.parameter([-1, 64], np.float32)
model = openvino.Model([operations.matmul(row, operations.constant(weights), False, False)], [row])
default = openvino.compile_model(model, "CPU")
precise = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
exact = rows.astype(float) @ weights.astype(float)
error, precise_error = (float(np.abs(each(rows)[0] - exact).max()) for each in (default, precise))
chosen = default.get_property("INFERENCE_PRECISION_HINT").get_type_name()
chosen = {"bf16": "bfloat16", "f32": "float32"}.get(chosen, chosen)
print(f"chosen: {chosen}; largest error of a sum of 64 products: {error:.2g}, in float32 {precise_error:.1g}")
if " amx_bf16" in open("/proc/cpuinfo").read():
    assert chosen == "bfloat16" and error > 1e-3 > 1e-4 > precise_error
else:
    print("this processor has no amx_bf16: nothing to see here")
PYTHON
