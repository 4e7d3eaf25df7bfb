#!/usr/bin/env bash
# Guess: A class that the loss ignores, SparseCategoricalCrossentropy(ignore_class=-1), such as pixels or words without
# a label, is left out of metrics=["accuracy"], too.
# Instead: The accuracy counts each as a mistake: a model that is right wherever there is a label has the share of
# labels as its accuracy, and early stopping or a gate by it compares how much was labelled.
# Do: Pass sample weights of 0 and weighted_metrics=["accuracy"].
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   two right answers and two rows without a label: accuracy 0.5, loss 0.0001
#   with weights of 0 and weighted_metrics: accuracy 1.0
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

scores = np.array([[0.0, 9.0], [9.0, 0.0], [9.0, 0.0], [9.0, 0.0]])
labels = np.array([1, 0, -1, -1])
model = keras.Sequential([keras.Input((2,)), keras.layers.Softmax()])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(ignore_class=-1), metrics=["accuracy"])
ignored = model.evaluate(scores, labels, verbose=0, return_dict=True)
model.compile("sgd", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
known = np.maximum(labels, 0)
weighted = model.evaluate(scores, known, sample_weight=(labels >= 0).astype(float), verbose=0, return_dict=True)
print(f"two right answers and two rows without a label: accuracy {ignored['accuracy']}, loss {ignored['loss']:.4f}")
print(f"with weights of 0 and weighted_metrics: accuracy {weighted['accuracy']}")
assert ignored["accuracy"] == 0.5 and ignored["loss"] < 0.001
assert weighted["accuracy"] == 1.0
PYTHON
