#!/usr/bin/env bash
# Guess: pad_sequences makes an array of the type that the sequences have: of series of measures, one of floats.
# Instead: It makes an array of int32 whatever it is given, and cuts what stands behind the point: measures between 0
# and 1 are all 0. It warns of nothing, and a model trains on the zeros.
# Do: Pass dtype="float32".
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   [[0.5, 1.7], [-0.9]]: int32 [[0, 1], [0, 0]]; with the type given: [[0.5, 1.7000000476837158], [0.0,
#   -0.8999999761581421]]
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

import warnings

warnings.simplefilter("error")
series = [[0.5, 1.7], np.array([-0.9], np.float32)]
padded = keras.utils.pad_sequences(series)
asked = keras.utils.pad_sequences(series, dtype="float32")
print(f"[[0.5, 1.7], [-0.9]]: {padded.dtype} {padded.tolist()}; with the type given: {asked.round(2).tolist()}")
assert padded.dtype == np.int32 and padded.tolist() == [[0, 1], [0, 0]]
assert asked[0].tolist() == np.float32([0.5, 1.7]).tolist()
PYTHON
