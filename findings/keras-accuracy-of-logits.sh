#!/usr/bin/env bash
# Guess: compile(BinaryCrossentropy(from_logits=True), metrics=["accuracy"]) counts a logit above 0 as a yes, as the
# loss does.
# Instead: The metric does not know of the loss's setting and compares logits with 0.5: of the answers between 0 and
# 0.5, a probability of 0.50 to 0.62, each is counted as a no.
# Do: Let the model end in a sigmoid, or pass keras.metrics.BinaryAccuracy(threshold=0.0).
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   logits [0.3, 0.4, -0.3, 2.0] of [1, 1, 0, 1]: accuracy 0.5, above zero 1.0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 keras==3.15.1
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import keras
import numpy as np
import tensorflow as tf

print("keras", keras.__version__, "tensorflow", tf.__version__)

model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
metrics = ["accuracy", keras.metrics.BinaryAccuracy(threshold=0.0, name="above_zero")]
model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True), metrics=metrics)
logits, labels = np.array([[0.3], [0.4], [-0.3], [2.0]]), np.array([[1], [1], [0], [1]])
told = model.evaluate(logits, labels, verbose=0, return_dict=True)
print(f"logits {logits.ravel().tolist()} of {labels.ravel().tolist()}: accuracy {told['accuracy']}, above zero {told['above_zero']}")
assert (told["accuracy"], told["above_zero"]) == (0.5, 1.0)
PYTHON
