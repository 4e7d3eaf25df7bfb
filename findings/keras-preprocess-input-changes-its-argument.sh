#!/usr/bin/env bash
# Guess: preprocess_input(pixels) returns prepared pixels and leaves its argument alone, whatever its type.
# Instead: An array of float32, which is what img_to_array gives, is prepared in place; one of uint8 is copied. Called
# twice on the same photo, once for each of two models or once before a retry, it prepares what is prepared: the second
# answer is another one, without an error.
# Do: Pass a copy, or put the preparation into the model.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   a pixel of 200 after the call, in float32 and in uint8: {'mobilenet': (0.569, 200), 'resnet_v2': (0.569, 200),
#   'vgg16': (76.32, 200), 'densenet': (1.307, 200), 'efficientnet': (200.0, 200)}
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

told = {}
for name in ("mobilenet", "resnet_v2", "vgg16", "densenet", "efficientnet"):
    prepare = getattr(keras.applications, name).preprocess_input
    floats, bytes_ = np.full((1, 2, 2, 3), 200, np.float32), np.full((1, 2, 2, 3), 200, np.uint8)
    prepare(floats)
    prepare(bytes_)
    told[name] = round(float(floats[0, 0, 0, 0]), 3), int(bytes_[0, 0, 0, 0])
print(f"a pixel of 200 after the call, in float32 and in uint8: {told}")
assert told["mobilenet"] == told["resnet_v2"] == (0.569, 200)
assert told["vgg16"] == (76.32, 200) and told["densenet"] == (1.307, 200)
assert told["efficientnet"] == (200, 200)
PYTHON
