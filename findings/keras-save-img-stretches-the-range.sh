#!/usr/bin/env bash
# Guess: save_img(path, pixels) writes the pixels, from 0 to 255, and load_img reads the same ones.
# Instead: Unless scale=False is passed, the smallest value becomes 0 and the largest 255: a dark or pale picture is
# saved with full contrast, and all that is saved has the same. A data set that is cut or resized to files this way
# trains a model for pictures that no caller sends. array_to_img does the same.
# Do: Pass scale=False.
# Versions: tensorflow 2.21.0 keras 3.15.1 pillow 13.0.0
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   pixels from 10 to 40, saved and loaded: (0, 255); with scale=False (10, 40)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" \
  tensorflow==2.21.0 keras==3.15.1 pillow==13.0.0
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import keras
import numpy as np
import tensorflow as tf

print("keras", keras.__version__, "tensorflow", tf.__version__)

dark = np.linspace(10, 40, 4 * 4 * 3).reshape(4, 4, 3).round()


def saved(**options):
    keras.utils.save_img("dark.png", dark, **options)
    pixels = keras.utils.img_to_array(keras.utils.load_img("dark.png"))
    return int(pixels.min()), int(pixels.max())


usual, plain = saved(), saved(scale=False)
print(f"pixels from {int(dark.min())} to {int(dark.max())}, saved and loaded: {usual}; with scale=False {plain}")
assert usual == (0, 255)
assert plain == (10, 40)
PYTHON
