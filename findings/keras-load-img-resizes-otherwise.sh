#!/usr/bin/env bash
# Guess: A photo that load_img(target_size=...) resizes for a prediction has the pixels that
# image_dataset_from_directory(image_size=...) gave in training, give or take rounding; at least if both interpolate
# the same way.
# Instead: By default load_img takes the nearest pixel, and the data set interpolates. With "bilinear" for both, one
# takes the mean of all pixels in an area and the other of four of them: where a picture is fine-grained, pixels differ
# by an eighth of their range in the mean either way.
# Do: Resize in the model, or load the photo as it is and resize it by keras.ops.image.resize, as the data set does.
# Versions: tensorflow 2.21.0 keras 3.15.1 pillow 13.0.0
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   of 255, load_img's pixels differ from the data set's by 32.4 in the mean, with bilinear by 34.2
#   resized by keras.ops.image.resize they differ by 0.0
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

from pathlib import Path

photo = Path("photos/a/photo.png")
photo.parent.mkdir(parents=True)
rng = np.random.default_rng(0)
keras.utils.save_img(photo, rng.integers(0, 256, (100, 100, 3)), scale=False)
options = {"image_size": (32, 32), "labels": None, "verbose": False}
trained = next(iter(keras.utils.image_dataset_from_directory("photos", **options))).numpy()[0]


def distance(pixels):
    return round(float(np.abs(pixels - trained).mean()), 1)


def loaded(**options):
    return keras.utils.img_to_array(keras.utils.load_img(photo, **options))


usual = distance(loaded(target_size=(32, 32)))
bilinear = distance(loaded(target_size=(32, 32), interpolation="bilinear"))
resized = distance(keras.ops.image.resize(loaded(), (32, 32)).numpy())
print(f"of 255, load_img's pixels differ from the data set's by {usual} in the mean, with bilinear by {bilinear}")
print(f"resized by keras.ops.image.resize they differ by {resized}")
assert usual > 25 and bilinear > 25 and resized == 0
PYTHON
