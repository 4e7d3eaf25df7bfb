#!/usr/bin/env bash
# Guess: RandomBrightness(0.2) behind Rescaling(1 / 255) makes pictures up to a fifth brighter or darker, as the other
# random layers work on either range.
# Instead: It adds up to a fifth of 255 whatever the picture's range, and cuts at 0 and 255: of pictures from 0 to 1
# half become all black, and the others up to 50 times too bright. Training goes on, on noise.
# Do: Put it before Rescaling, or pass value_range=(0, 1).
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   grey pictures of 0.5: 52% black, up to 49.5; with value_range=(0, 1): 0% black, up to 0.7
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

keras.utils.set_random_seed(1)
grey = np.full((100, 2, 2, 3), 0.5, np.float32)


def changed(**options):
    means = keras.layers.RandomBrightness(0.2, **options)(grey, training=True).numpy().mean(axis=(1, 2, 3))
    return f"{(means == 0).mean():.0%} black, up to {means.max():.1f}", means


(usual, means), (given, right) = changed(), changed(value_range=(0, 1))
print(f"grey pictures of 0.5: {usual}; with value_range=(0, 1): {given}")
assert 0.3 < (means == 0).mean() < 0.7 and means.max() > 20
assert (right > 0.29).all() and (right < 0.71).all()
PYTHON
