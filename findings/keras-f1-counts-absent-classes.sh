#!/usr/bin/env bash
# Guess: F1Score(average="macro") is 1 where all is right, as scikit-learn's f1_score is.
# Instead: A class that is neither among the labels nor among the answers counts as 0, so a model that is always right
# has 0.67 where one of three classes has no row. scikit-learn leaves such a class out, and so does Keras's own
# MeanIoU. Over small validation sets of many classes the figure says how many of these occur.
# Do: Take F1Score(average=None) and average those that occur, or compare with sets that have the same classes only.
# Versions: tensorflow 2.21.0 keras 3.15.1 scikit-learn 1.9.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   scikit-learn 1.9.1
#   all right, the third class absent: F1Score 0.667, MeanIoU 1.000, f1_score 1.000
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 keras==3.15.1 scikit-learn==1.9.1
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import keras
import numpy as np
import tensorflow as tf

print("keras", keras.__version__, "tensorflow", tf.__version__)

import sklearn
from sklearn.metrics import f1_score

print("scikit-learn", sklearn.__version__)
labels = np.array([0, 1, 0])
one_hot = np.eye(3, dtype=np.float32)[labels]
by_keras = float(keras.metrics.F1Score(average="macro")(one_hot, one_hot))
by_iou = float(keras.metrics.MeanIoU(num_classes=3)(labels, labels))
by_sklearn = f1_score(labels, labels, average="macro")
print(f"all right, the third class absent: F1Score {by_keras:.3f}, MeanIoU {by_iou:.3f}, f1_score {by_sklearn:.3f}")
assert round(by_keras, 3) == 0.667
assert round(by_iou, 3) == by_sklearn == 1.0
PYTHON
