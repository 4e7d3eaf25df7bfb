#!/usr/bin/env bash
# Guess: The log loss of the same answers is the same, whether Keras or scikit-learn computes it.
# Instead: What a sure and wrong answer costs depends on the limit that probabilities are clipped to: 16.1 in
# Keras, 36.0 in scikit-learn, 15.9 there for float32, 100 or any more from logits. Few such rows decide.
# Do: Compare losses of one library, one type and one form only. The project clips as Keras does, everywhere.
# Versions: tensorflow 2.21.0 keras 3.15.1 scikit-learn 1.9.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   {'keras': 16.1, 'keras, logits': 100.0, 'scikit-learn': 36.0, 'scikit-learn, float32': 15.9}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" \
    tensorflow==2.21.0 keras==3.15.1 scikit-learn==1.9.1
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import log_loss

print("keras", keras.__version__, "tensorflow", tf.__version__)

target, sure = np.array([1]), np.array([[1.0, 0.0]])
loss = keras.losses.SparseCategoricalCrossentropy
seen = {
    "keras": loss()(target, sure.astype("float32")),
    "keras, logits": loss(from_logits=True)(target, np.array([[100.0, 0.0]], "float32")),
    "scikit-learn": log_loss(target, sure, labels=[0, 1]),
    "scikit-learn, float32": log_loss(target, sure.astype("float32"), labels=[0, 1]),
}
seen = {name: round(float(value), 1) for name, value in seen.items()}
print(seen)
assert list(seen.values()) == [16.1, 100.0, 36.0, 15.9]
PYTHON
