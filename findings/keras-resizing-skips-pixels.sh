#!/usr/bin/env bash
# Guess: "Bilinear" is one thing: Keras's Resizing and Pillow's resize() make the same small picture.
# Instead: Keras looks at the few pixels around each point and skips the rest; Pillow weighs all that the new
# pixel covers. Fine stripes become another picture: a model trained by the one and asked by the other is off.
# Do: Resize in one place for training and serving, as the project does, or pass antialias=True.
# Versions: tensorflow 2.21.0 keras 3.15.1 pillow 13.0.0
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0 pillow 13.0.0
#   stripes, one row in 4 white, 64 to 8 rows: Keras 127.5, antialias 63.8, Pillow 64.0
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
import PIL
import tensorflow as tf
from PIL import Image

print("keras", keras.__version__, "tensorflow", tf.__version__, "pillow", PIL.__version__)

stripes = np.zeros((64, 64), np.uint8)
stripes[::4] = 255


def keras_mean(**settings):
    small = keras.layers.Resizing(8, 8, "bilinear", **settings)(stripes[..., None].astype("float32"))
    return small.numpy()[2:6].mean().item()


plain, smooth = keras_mean(), keras_mean(antialias=True)
pillow = np.asarray(Image.fromarray(stripes).resize((8, 8), Image.Resampling.BILINEAR))[2:6].mean().item()
print(f"stripes, one row in 4 white, 64 to 8 rows: Keras {plain:.1f}, antialias {smooth:.1f}, Pillow {pillow:.1f}")
assert plain == 127.5
assert abs(smooth - 64) < 1 and abs(pillow - 64) < 1
PYTHON
