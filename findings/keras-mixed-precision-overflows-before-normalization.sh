#!/usr/bin/env bash
# Guess: Under mixed_float16, Normalization and Rescaling bring large numbers, such as prices or incomes, to a small
# range before the half precision of the layers behind them can matter.
# Instead: Inputs become float16 as they enter the layer: 65,520 and more are infinite before the mean is taken off,
# and come out as inf or NaN. Smaller ones have lost their last digits.
# Do: Give these layers dtype="float32", or scale before the model.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   [60001.0, 60002.0, 120000.0] under mixed_float16: Normalization [0.0, 0.0, nan], Rescaling [0.60059, 0.60059, inf]
#   with dtype="float32": [[0.0001, 0.0002, 6.0], [0.60001, 0.60002, 1.2]]
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

incomes = np.array([[60001.0], [60002.0], [120000.0]], np.float32)


def scaled(policy, layer_type=None):
    keras.mixed_precision.set_global_policy(policy)
    layer = keras.layers.Normalization(mean=60000.0, variance=1e8, dtype=layer_type)
    divided = keras.layers.Rescaling(1e-5, dtype=layer_type)
    return [np.round(np.float64(made(incomes).numpy().ravel()), 5).tolist() for made in (layer, divided)]


half, kept = scaled("mixed_float16"), scaled("mixed_float16", "float32")
print(f"{incomes.ravel().tolist()} under mixed_float16: Normalization {half[0]}, Rescaling {half[1]}")
print(f'with dtype="float32": {kept}')
assert not np.isfinite(half[0][2]) and not np.isfinite(half[1][2])
assert half[0][0] == half[0][1] and kept[0][0] != kept[0][1]
assert np.isfinite(kept).all()
PYTHON
