#!/usr/bin/env bash
# Guess: save_model writes the model that it is given. (It says in its help that it stores weights as float16: three digits
# then, of which scores hardly depend.)
# Instead: A constant beyond the range of float16 becomes the largest that it has, if smaller ones stand beside it. Means in
# dollars, for a layer that scales its columns back, are 65,504 then, and every answer is wrong, without a word. Where all
# of a layer's constants are beyond the range, nothing happens: a model with one column shows nothing.
# Do: save_model(..., compress_to_fp16=False), and compare what was saved with the original, as training does.
# Versions: openvino 2026.4.1 numpy 2.4.6
# Output seen:
#   openvino 2026.4.1
#   constants 250000, 0.1 in memory [250000.0, 0.1], saved and read [65504.0, 0.09998]
#   constants 250000, 350000 saved and read [250000.0, 350000.0]
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
PRECISE = {"INFERENCE_PRECISION_HINT": "f32"}


def model_of(constants):
    row = operations.parameter([-1, 2], np.float32)
    return openvino.Model([operations.add(row, operations.constant(np.array([constants], np.float32)))], [row])


def computed(model):
    answer = openvino.compile_model(model, "CPU", PRECISE)(np.zeros((1, 2), np.float32))[0]
    return [float(f"{value:.4g}") if value < 1 else float(value) for value in answer[0]]


def saved(model):
    openvino.save_model(model, "saved.xml")
    return "saved.xml"


mixed, large = model_of([250_000, 0.1]), model_of([250_000, 350_000])
in_memory, read, read_large = computed(mixed), computed(saved(mixed)), computed(saved(large))
print(f"constants 250000, 0.1 in memory {in_memory}, saved and read {read}")
print(f"constants 250000, 350000 saved and read {read_large}")
assert in_memory == [250_000, 0.1]
assert read == [65_504, 0.09998]
assert read_large == [250_000, 350_000]
PYTHON
