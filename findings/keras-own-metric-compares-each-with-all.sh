#!/usr/bin/env bash
# Guess: A function that gives the right figure as compile(loss=function) gives it as metrics=[function], too.
# Instead: Before a loss is called, targets of shape (rows,) become (rows, 1), as the model's outputs are; before a
# metric is called they don't, so that it subtracts each output from each target. A model without a mistake is told
# to have a mean squared error of twice the targets' variance.
# Do: Pass targets of shape (rows, 1), or call keras.ops.reshape in the function.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   without a mistake, targets (4,): {'loss': 0.0, 'mean_squared': 2.5, 'mse': 0.0}; targets (4, 1): {'loss': 0.0,
#   'mean_squared': 0.0, 'mse': 0.0}
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


def mean_squared(targets, outputs):
    return keras.ops.mean(keras.ops.square(targets - outputs))



def told(rows, targets):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile("sgd", loss=mean_squared, metrics=["mse", mean_squared])
    return model.evaluate(rows, targets, verbose=0, return_dict=True)


rows = np.arange(4.0)[:, None]
flat, column = told(rows, rows[:, 0]), told(rows, rows)
print(f"without a mistake, targets (4,): {flat}; targets (4, 1): {column}")
assert (flat["loss"], flat["mse"]) == (0.0, 0.0)
assert flat["mean_squared"] == 2 * rows.var() and column["mean_squared"] == 0.0
PYTHON
