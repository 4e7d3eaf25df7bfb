#!/usr/bin/env bash
# Guess: keras.metrics.AUC depends on the order of the scores alone, as scikit-learn's does.
# Instead: It looks at 200 thresholds, evenly spread over 0 to 1. Scores of a rare event all lie between two of
# them: a model that ranks without one mistake gets 0.5, as one that knows nothing.
# Do: Use roc_auc_score on all rows, or pass thresholds taken from the scores' own quantiles.
# Versions: tensorflow 2.21.0 keras 3.15.1 scikit-learn 1.9.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   scores 0.001 of 90 negatives, 0.004 of 10 positives: Keras 0.5, scikit-learn 1.0; ten times as high: Keras 1.0
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
from sklearn.metrics import roc_auc_score

print("keras", keras.__version__, "tensorflow", tf.__version__)

targets = np.repeat([0, 1], [90, 10])
scores = np.repeat([0.001, 0.004], [90, 10])


def auc(scores):
    metric = keras.metrics.AUC()
    metric.update_state(targets, scores)
    return round(float(metric.result()), 4)


low, exact, high = auc(scores), roc_auc_score(targets, scores), auc(scores * 10)
print("scores 0.001 of 90 negatives, 0.004 of 10 positives:", end=" ")
print(f"Keras {low}, scikit-learn {exact}; ten times as high: Keras {high}")
assert (low, exact, high) == (0.5, 1.0, 1.0)
PYTHON
