#!/usr/bin/env bash
# Guess: A converter that lacks an operation fails: no file, an exit code that is not 0.
# Instead: tf2onnx logs "Unsupported ops" between other lines, goes on, writes a file with the operation's TensorFlow name,
# says "Successfully converted", and ends with 0. Only whoever loads the file learns it. Log1p is such an operation.
# Do: Load what was converted, and compare its answers, before it counts as converted.
# Versions: tensorflow 2.21.0 keras 3.15.1 tf2onnx 1.17.0 onnxruntime 1.32.0
# Output seen:
#   tf2onnx 1.17.0 onnxruntime 1.32.0
#   log1p: exit code 0, a file was written, the log says Unsupported ops: Counter({'Log1p': 1})
#   loaded: No Op registered for Log1p
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 keras==3.15.1 tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import onnxruntime
import tensorflow as tf

print("tf2onnx", version("tf2onnx"), "onnxruntime", version("onnxruntime"))


@tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="amounts")])
def serve(amounts):
    return {"logs": tf.math.log1p(amounts)}


tf.saved_model.save(tf.Module(), "exported", {"serving_default": serve})
command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", "exported", "--output", "model.onnx"]
done = subprocess.run(command, capture_output=True, text=True)
said = re.search(r"Unsupported ops: .*", done.stderr)[0]
file = "a file was written" if Path("model.onnx").is_file() else "no file"
print(f"log1p: exit code {done.returncode}, {file}, the log says {said}")
try:
    onnxruntime.InferenceSession("model.onnx")
    loaded = "without an error"
except Exception as error:
    loaded = re.search(r"No Op registered for \w+", str(error))[0]
print("loaded:", loaded)
assert done.returncode == 0 and "Successfully converted" in done.stderr and Path("model.onnx").is_file()
assert loaded == "No Op registered for Log1p"
PYTHON
