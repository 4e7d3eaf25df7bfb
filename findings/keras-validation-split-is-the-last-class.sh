#!/usr/bin/env bash
# Guess: image_dataset_from_directory(validation_split=0.2, shuffle=False) validates on a fifth of each class, or at
# least on several: shuffle=False is how one keeps predictions beside their files.
# Instead: It cuts the list of files, which is sorted by class, at its end: validation has photos of the last classes
# alone, of which training lacks as many.
# Do: Split with shuffle=True and a seed, and make the list for predictions apart; or split the files by class yourself.
# Versions: tensorflow 2.21.0 keras 3.15.1 pillow 13.0.0
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   Using 21 files for training.
#   Using 9 files for validation.
#   photos by class: training {0: 10, 1: 10, 2: 1}, validation {2: 9}
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

from collections import Counter
from pathlib import Path

from PIL import Image

for label in "abc":
    Path("photos", label).mkdir(parents=True)
    for number in range(10):
        Image.new("RGB", (4, 4)).save(f"photos/{label}/{number}.png")


def labels(part):
    options = {"validation_split": 0.3, "subset": part, "image_size": (4, 4), "verbose": False}
    found = keras.utils.image_dataset_from_directory("photos", shuffle=False, **options)
    return dict(Counter(int(label) for _, batch in found for label in batch))


training, validation = labels("training"), labels("validation")
print(f"photos by class: training {training}, validation {validation}")
assert validation == {2: 9}
assert training == {0: 10, 1: 10, 2: 1}
PYTHON
