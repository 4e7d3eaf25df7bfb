#!/usr/bin/env bash
# Guess: compile(loss="binary_crossentropy", metrics=["accuracy"]) of a model that gives a row any number of tags
# tells the share of tags that are right.
# Instead: It takes the highest score and the first tag that is set, and compares these two places. A model that has
# each tag of each row right may have an accuracy of 0; a row without tags counts as one whose first tag is set.
# Do: metrics=["binary_accuracy"], or F1Score(threshold=0.5).
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   all nine tags right: accuracy 0.0, binary_accuracy 1.0
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

tags = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]], np.float32)
scores = np.array([[0.6, 0.9, 0.1], [0.1, 0.2, 0.3], [0.2, 0.6, 0.7]], np.float32)
model = keras.Sequential([keras.Input((3,)), keras.layers.Activation("linear")])
model.compile(loss="binary_crossentropy", metrics=["accuracy", "binary_accuracy"])
figures = model.evaluate(scores, tags, verbose=0, return_dict=True)
print(f"all nine tags right: accuracy {figures['accuracy']}, binary_accuracy {figures['binary_accuracy']}")
assert (scores > 0.5).astype(np.float32).tolist() == tags.tolist()
assert (figures["accuracy"], figures["binary_accuracy"]) == (0.0, 1.0)
PYTHON
