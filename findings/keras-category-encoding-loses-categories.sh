#!/usr/bin/env bash
# Guess: CategoryEncoding(num_tokens=4) refuses category 7, as Keras 2 did and as its documentation asks for.
# Instead: The row has no category at all: all zeros, as if the value were missing. With output_mode "count", a list loses
# only that member.
# Do: Check the range before, or let a lookup layer stand before it.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   category 7 of 4: one_hot [0.0, 0.0, 0.0, 0.0]; 1, 7, 1 counted: [0.0, 2.0, 0.0, 0.0]
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
one_hot = keras.layers.CategoryEncoding(4, "one_hot")(np.array([7])).numpy()[0].tolist()
counted = keras.layers.CategoryEncoding(4, "count")(np.array([[1, 7, 1]])).numpy()[0].tolist()
print(f"category 7 of 4: one_hot {one_hot}; 1, 7, 1 counted: {counted}")
assert one_hot == [0, 0, 0, 0]
assert counted == [0, 2, 0, 0]
PYTHON
