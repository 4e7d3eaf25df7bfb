#!/usr/bin/env bash
# Guess: Precision() and Recall() of a model with a softmax over several classes go by the class with the highest
# score, as accuracy does.
# Instead: They go by scores above 0.5. Of four classes the right one has often the highest score and less than a
# half: then nothing is found, and recall is 0 where accuracy is 1. Precision, of what is left, may look better the
# less sure a model is.
# Do: Recall(top_k=1, class_id=...), or F1Score, which takes the highest score.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   the right class has 0.4, others 0.2: accuracy 1.0, recall 0.0, recall with top_k=1 1.0
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

truth = np.eye(4, dtype=np.float32)[[0, 1, 2]]
scores = np.full((3, 4), 0.2, np.float32) + 0.2 * truth


def figure(metric):
    return float(metric(truth, scores))


accuracy, recall = figure(keras.metrics.CategoricalAccuracy()), figure(keras.metrics.Recall())
highest = figure(keras.metrics.Recall(top_k=1))
print(f"the right class has 0.4, others 0.2: accuracy {accuracy}, recall {recall}, recall with top_k=1 {highest}")
assert (accuracy, recall, highest) == (1.0, 0.0, 1.0)
PYTHON
