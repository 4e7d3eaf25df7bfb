#!/usr/bin/env bash
# Guess: Integers that are given to a model arrive as they are, or are refused where it takes floats.
# Instead: An Input without a dtype is float32: whole numbers above 2**24 are rounded with no word, so that
# neighbouring ids are one, and times in seconds come in steps of two minutes.
# Do: Pass dtype="int64" to the Input of ids; take the difference of times before they go in.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   ids 16777216, 16777217: 1 apart as int64, 0 as float32; seconds 1700000000, 1700000060: 0 apart
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

def apart(first, second, **settings):
    inputs = keras.Input((1,), **settings)
    given = np.array([[first], [second]], "int64")
    one, other = keras.Model(inputs, inputs * 1).predict(given, verbose=0).ravel()
    return int(other - one)


whole, rounded = apart(2**24, 2**24 + 1, dtype="int64"), apart(2**24, 2**24 + 1)
seconds = apart(1_700_000_000, 1_700_000_060)
print(f"ids 16777216, 16777217: {whole} apart as int64, {rounded} as float32", end="; ")
print(f"seconds 1700000000, 1700000060: {seconds} apart")
assert (whole, rounded, seconds) == (1, 0, 0)
PYTHON
