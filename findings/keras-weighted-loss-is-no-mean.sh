#!/usr/bin/env bash
# Guess: With sample weights, the loss is the weighted mean: the same as the weighted metric of the same formula.
# Instead: The loss is divided by the number of rows, the metric by the sum of the weights. Rows that are
# padding, with weight 0, make the loss smaller: it looks better the more padding there is, and the rate of
# learning goes down with it.
# Do: Compare runs by weighted_metrics, or make the weights' mean 1 in each batch.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   1 row: loss 4.0, metric 4.0; with 3 rows of weight 0: loss 1.0, metric 4.0
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

rows, targets = np.ones((4, 1), "float32"), np.full((4, 1), 2.0, "float32")
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
model.compile("sgd", "mse", weighted_metrics=["mse"], jit_compile=False)
alone = model.evaluate(rows[:1], targets[:1], sample_weight=np.ones(1), verbose=0)
padded = model.evaluate(rows, targets, sample_weight=np.array([1.0, 0, 0, 0]), verbose=0)
print("1 row: loss {}, metric {}".format(*alone), end="; ")
print("with 3 rows of weight 0: loss {}, metric {}".format(*padded))
assert alone == [4.0, 4.0]
assert padded == [1.0, 4.0]
PYTHON
