#!/usr/bin/env bash
# Guess: Normalization makes a column that never changed in training harmless, as scikit-learn's scaler does.
# Instead: It divides by 1e-7: the day the column does change, by 1, the model gets 10 million for it, and
# whatever it predicts is decided by that one column.
# Do: Leave such columns out, or take 1 for the deviation, as the project does.
# Versions: tensorflow 2.21.0 keras 3.15.1 scikit-learn 1.9.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   5, 5, 5, then 6: Normalization 10000000.0, StandardScaler 1.0
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
from sklearn.preprocessing import StandardScaler

print("keras", keras.__version__, "tensorflow", tf.__version__)

column = np.full((3, 1), 5.0, "float32")
layer = keras.layers.Normalization()
layer.adapt(column)
scaled = layer(column + 1).numpy()[0, 0].item()
other = StandardScaler().fit(column).transform(column + 1)[0, 0].item()
print(f"5, 5, 5, then 6: Normalization {scaled}, StandardScaler {other}")
assert (scaled, other) == (1e7, 1.0)
assert layer(column).numpy().tolist() == [[0.0]] * 3
PYTHON
