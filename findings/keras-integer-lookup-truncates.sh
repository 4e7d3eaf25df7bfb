#!/usr/bin/env bash
# Guess: IntegerLookup counts 2.7 as unknown, or refuses it, since its vocabulary has only whole numbers.
# Instead: It cuts off what is behind the point: 2.7 is the known category 2, and -0.5 is 0. Hashing does the same. Codes
# that a table with gaps turned into floats work, and so does a column of measures that got there by mistake.
# Do: Check that the numbers are whole before, as the project's category fields do.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   2.0 and 2.7: IntegerLookup [2, 2] Hashing [9, 9]
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
values = np.array([2.0, 2.7])
looked_up = keras.layers.IntegerLookup(vocabulary=[1, 2, 3])(values).numpy().tolist()
hashed = keras.layers.Hashing(10)(values).numpy().tolist()
print("2.0 and 2.7: IntegerLookup", looked_up, "Hashing", hashed)
assert looked_up == [2, 2]
assert hashed[0] == hashed[1]
PYTHON
