#!/usr/bin/env bash
# Guess: A model that gives all of 100 classes the same score has a top-5 accuracy of 0.05.
# Instead: It has 1.0: a class that shares the fifth place counts as among the first five, however many share
# it. Scores rounded or saturated to the same value gain by it, too; scikit-learn's gives 0.05.
# Do: Look at the plain accuracy beside it, or use top_k_accuracy_score.
# Versions: tensorflow 2.21.0 keras 3.15.1 scikit-learn 1.9.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   equal scores for 100 classes: Keras 1.0, scikit-learn 0.05, accuracy 0.01
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" \
    tensorflow==2.21.0 keras==3.15.1 scikit-learn==1.9.1
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import top_k_accuracy_score

print("keras", keras.__version__, "tensorflow", tf.__version__)

targets, scores = np.arange(100), np.full((100, 100), 0.01, "float32")


def measured(metric):
    metric.update_state(targets, scores)
    return round(float(metric.result()), 4)


top5 = measured(keras.metrics.SparseTopKCategoricalAccuracy(k=5))
accuracy = measured(keras.metrics.SparseCategoricalAccuracy())
other = top_k_accuracy_score(targets, scores, k=5)
print(f"equal scores for 100 classes: Keras {top5}, scikit-learn {other}, accuracy {accuracy}")
assert (top5, other, accuracy) == (1.0, 0.05, 0.01)
PYTHON
