#!/usr/bin/env bash
# Guess: F1Score of a model with one output counts a row as positive from 0.5 on, as Precision and Recall do.
# Instead: Without a threshold it takes each row's largest output, and the only one is always the largest:
# all rows are positive, so that a perfect model and one that is useless get the same F1.
# Do: Pass threshold=0.5 where a model has one output.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   perfect 0.4, all wrong 0.4; with threshold=0.5: 1.0, 0.0
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

targets = np.array([[1.0], [0.0], [0.0], [0.0]], "float32")


def f1(scores, **settings):
    metric = keras.metrics.F1Score(average="micro", **settings)
    metric.update_state(targets, scores)
    return round(float(metric.result()), 4)


perfect, wrong = 0.1 + 0.8 * targets, 0.9 - 0.8 * targets
seen = [f1(perfect), f1(wrong), f1(perfect, threshold=0.5), f1(wrong, threshold=0.5)]
print("perfect {}, all wrong {}; with threshold=0.5: {}, {}".format(*seen))
assert seen == [0.4, 0.4, 1.0, 0.0]
PYTHON
