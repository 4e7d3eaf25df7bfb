#!/usr/bin/env bash
# Guess: What exclude_from_weight_decay() spares stays spared: a saved model holds its optimizer's settings and state.
# Instead: weight_decay is in the file, the exclusions aren't. Training resumed from it decays, without a word, what had
# been spared: biases, the scales of normalisations, embeddings. What is trained in one go is another model.
# Do: Call exclude_from_weight_decay() again after load_model(), before fit().
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   a bias of 1 after an epoch: {'spared': 1.0, 'loaded': 0.9, 'spared again': 1.0} weight_decay: 1.0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 keras==3.15.1
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import warnings

import keras
import numpy as np
import tensorflow as tf

print("keras", keras.__version__, "tensorflow", tf.__version__)
warnings.simplefilter("error", UserWarning)
rows, targets = np.zeros((4, 1)), np.ones((4, 1))  # met exactly by the bias, so that only decay changes it


dense = keras.layers.Dense(1, name="head", bias_initializer="ones")
model = keras.Sequential([keras.Input((1,)), dense])
optimizer = keras.optimizers.AdamW(0.1, weight_decay=1.0)
optimizer.exclude_from_weight_decay(var_names=["bias"])
model.compile(optimizer, "mse")


def bias_after_an_epoch(model):
    model.fit(rows, targets, verbose=0)
    return round(float(model.get_layer("head").bias[0]), 2)


seen = {"spared": bias_after_an_epoch(model)}
model.save("model.keras")
loaded = keras.models.load_model("model.keras")
seen["loaded"] = bias_after_an_epoch(loaded)
again = keras.models.load_model("model.keras")
again.optimizer.exclude_from_weight_decay(var_names=["bias"])
seen["spared again"] = bias_after_an_epoch(again)
print("a bias of 1 after an epoch:", seen, "weight_decay:", loaded.optimizer.weight_decay)
assert seen == {"spared": 1.0, "loaded": 0.9, "spared again": 1.0} and loaded.optimizer.weight_decay == 1.0
PYTHON
