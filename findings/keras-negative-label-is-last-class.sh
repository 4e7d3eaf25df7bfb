#!/usr/bin/env bash
# Guess: to_categorical() refuses the label -1, which often stands for "unknown".
# Instead: It counts from the end, as an index does: rows without a label become rows of the last class, and
# the model learns them as such. keras.ops.one_hot gives no class at all.
# Do: Check that labels lie in 0 .. classes - 1 before they are encoded.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   -1 of 3 classes: to_categorical [0.0, 0.0, 1.0], one_hot [0.0, 0.0, 0.0]
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

coded = keras.utils.to_categorical(np.array([-1]), 3)[0].tolist()
other = keras.ops.one_hot(np.array([-1]), 3).numpy()[0].tolist()
print(f"-1 of 3 classes: to_categorical {coded}, one_hot {other}")
assert coded == [0.0, 0.0, 1.0]
assert other == [0.0, 0.0, 0.0]
PYTHON
