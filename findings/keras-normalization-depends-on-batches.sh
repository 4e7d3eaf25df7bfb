#!/usr/bin/env bash
# Guess: Normalization.adapt finds the same mean and variance whether it gets the rows at once or in batches.
# Instead: In batches, it adds up the batches' variances and the square of how far their means are apart in float32.
# Where the mean is large beside the deviation - years, prices, coordinates - the variance is wrong, here by a factor
# of almost 3, and with another batch size it is another.
# Do: Subtract a rough mean first, or fit in float64, as the project's number fields do.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   variance 1.0: at once 1.00, in batches of 32 2.81
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
rows = 1e6 + np.random.default_rng(0).normal(size=(100_000, 1))


def variance(data):
    layer = keras.layers.Normalization()
    layer.adapt(data)
    return layer.variance.numpy().item()


at_once = variance(rows)
in_batches = variance(tf.data.Dataset.from_tensor_slices(rows).batch(32))
print(f"variance {rows.var():.1f}: at once {at_once:.2f}, in batches of 32 {in_batches:.2f}")
assert abs(at_once - 1) < 0.01
assert in_batches > 2
PYTHON
