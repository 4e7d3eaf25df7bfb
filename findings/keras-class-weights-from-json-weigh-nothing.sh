#!/usr/bin/env bash
# Guess: class_weight read from a JSON or YAML file weighs the classes, or its keys, which are texts there, are refused.
# Instead: A class whose number isn't among the keys has the weight 1. With keys such as "1" that is every class: fit
# weighs nothing and says nothing.
# Do: Make the keys numbers, {int(key): weight for ...}, and check that they are the classes.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   loss with weights by numbers 17.0191, by texts 0.6935, with none 0.6935
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


def loss(weights):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    history = model.fit(np.ones((8, 1)), np.array([0, 1] * 4), class_weight=weights, verbose=0)
    return round(history.history["loss"][0], 4)


numbers, texts, none = loss({0: 1.0, 1: 50.0}), loss({"0": 1.0, "1": 50.0}), loss(None)
print(f"loss with weights by numbers {numbers}, by texts {texts}, with none {none}")
assert texts == none
assert numbers > 10 * none
PYTHON
