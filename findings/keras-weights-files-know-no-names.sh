#!/usr/bin/env bash
# Guess: load_weights() gives each layer the weights of the layer of its name, or fails where there is none.
# Instead: A .weights.h5 knows layers by class and number (dense, dense_1), not by name. Where two layers of one
# class and shape have changed places, as after a refactoring, each gets the other's weights, without a word: the
# model computes nonsense.
# Do: Compare the model's answers before and after for some rows, as the project's parity examples do.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1
#   {'first': 2.0, 'second': 1.0}
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

print("keras", keras.__version__)


def model(*names):
    layers = [keras.layers.Dense(2, use_bias=False, name=name) for name in names]
    return keras.Sequential([keras.Input((2,)), *layers])


saved, changed = model("first", "second"), model("second", "first")
for name, value in (("first", 1.0), ("second", 2.0)):
    saved.get_layer(name).set_weights([np.full((2, 2), value)])
saved.save_weights("model.weights.h5")
changed.load_weights("model.weights.h5")
seen = {name: float(changed.get_layer(name).get_weights()[0][0, 0]) for name in ("first", "second")}
print(seen)
assert seen == {"first": 2.0, "second": 1.0}
PYTHON
