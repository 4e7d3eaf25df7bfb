#!/usr/bin/env bash
# Guess: Discretization of NaN is an error, or a bin of its own.
# Instead: A NaN lies in the last bin (numpy.digitize puts it there, too): an unknown income is the highest one.
# Do: Refuse NaN before, or fill it, as the project's tables do.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   bins of -1, 5 and NaN: [0, 3, 3], numpy [0, 3, 3]
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

values = np.array([[-1, 5, np.nan]], "float32")
bins = keras.layers.Discretization([0.0, 1.0, 2.0])(values).numpy()[0].tolist()
others = np.digitize(values[0], [0.0, 1.0, 2.0]).tolist()
print(f"bins of -1, 5 and NaN: {bins}, numpy {others}")
assert bins == others == [0, 3, 3]
PYTHON
