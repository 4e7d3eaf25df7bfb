#!/usr/bin/env bash
# Guess: A row of weight 0 counts for nothing, so a target that is missing may be NaN there.
# Instead: Zero times NaN is NaN: one such row makes the loss NaN, and after one step all weights.
# Do: Put any number in place of the missing target, and only then the weight 0; or leave the row out.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   target of weight 0 is NaN: loss nan, weights [nan]; is 0: loss 2.0, weights [0.02]
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

rows = np.ones((2, 1), "float32")


def outcome(missing):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    targets = np.array([[2.0], [missing]], "float32")
    fitted = model.fit(rows, targets, sample_weight=np.array([1.0, 0.0]), batch_size=2, verbose=0)
    return round(fitted.history["loss"][0], 4), [round(weight, 4) for weight in model.get_weights()[0].ravel().tolist()]


nan, zero = outcome(np.nan), outcome(0.0)
print("target of weight 0 is NaN: loss {}, weights {}".format(*nan), end="; ")
print("is 0: loss {}, weights {}".format(*zero))
assert np.isnan(nan[0]) and np.isnan(nan[1]).all()
assert zero[0] == 2.0 and np.isfinite(zero[1]).all()
PYTHON
