#!/usr/bin/env bash
# Guess: A compiled model can be called by several threads, as TensorFlow's and ONNX Runtime's sessions can.
# Instead: A call of it uses the same request each time, and a second call meanwhile raises "Infer Request is busy". A server
# with threads passes its tests, which ask one after the other, and fails under load.
# Do: One request for each thread: compiled.create_infer_request(), or an AsyncInferQueue.
# Versions: openvino 2026.4.1 numpy 2.4.6
# Output seen:
#   openvino 2026.4.1
#   two threads that call the model: Infer Request is busy
#   two threads with a request each: no error
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" openvino==2026.4.1 numpy==2.4.6
cd "$folder"

venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import threading

import numpy as np
import openvino
import openvino.opset15 as operations

print("openvino", openvino.__version__.partition("-")[0])
row = operations.parameter([-1, 1024], np.float32)
layer = row
for seed in range(6):  # long enough for two calls to meet
    weights = np.random.default_rng(seed).normal(0, 0.03, (1024, 1024)).astype(np.float32)
    layer = operations.matmul(layer, operations.constant(weights), False, False)
model = openvino.compile_model(openvino.Model([layer], [row]), "CPU")
rows = np.ones((256, 1024), np.float32)


def errors_of(calls):
    errors, start = set(), threading.Barrier(len(calls))

    def repeat(call):
        start.wait()
        try:
            for _ in range(10):
                call(rows)
        except RuntimeError as error:
            errors.add(str(error).strip())

    threads = [threading.Thread(target=repeat, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


shared = errors_of([model, model])
own = errors_of([model.create_infer_request().infer for _ in range(2)])
print("two threads that call the model:", ", ".join(shared) or "no error")
print("two threads with a request each:", ", ".join(own) or "no error")
assert shared == {"Infer Request is busy"} and not own
PYTHON
