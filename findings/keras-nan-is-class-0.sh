#!/usr/bin/env bash
# Guess: The accuracy of a model that predicts only NaN is 0 or NaN.
# Instead: The largest of NaNs is the first: each row counts as class 0, so the accuracy is the share of
# class 0 - and a model that is broken may pass a low threshold.
# Do: Check that the predictions are finite before trusting an accuracy.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   accuracy 0.75
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
metric = keras.metrics.SparseCategoricalAccuracy()
metric.update_state(np.array([0, 0, 0, 1]), np.full((4, 2), np.nan, "float32"))
accuracy = float(metric.result())
print("accuracy", accuracy)
assert accuracy == 0.75
PYTHON
