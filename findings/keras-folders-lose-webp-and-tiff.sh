#!/usr/bin/env bash
# Guess: image_dataset_from_directory takes every picture in the folders that Pillow or the browser opens, or names
# those that it can't.
# Instead: Files that end in .webp, .tif or .avif are passed over as if they weren't there. "Found N files" is all that
# it says, so a class whose photos are from phones or the web is short of them, or empty.
# Do: Count the files yourself, and convert what has another ending.
# Versions: tensorflow 2.21.0 keras 3.15.1 pillow 13.0.0
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   of 5 photos: ['0.png', '1.jpg', '4.jpg']; it said: Found 3 files belonging to 2 classes.
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

import contextlib
import io
from pathlib import Path

from PIL import Image

photos = [("ant", "png"), ("ant", "jpg"), ("bee", "webp"), ("bee", "tif"), ("bee", "jpg")]
for place, (label, ending) in enumerate(photos):
    path = Path("photos", label, f"{place}.{ending}")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "white").save(path)
said = io.StringIO()
with contextlib.redirect_stdout(said):
    found = keras.utils.image_dataset_from_directory("photos", image_size=(8, 8), shuffle=False)
names = sorted(Path(path).name for path in found.file_paths)
print(f"of 5 photos: {names}; it said: {said.getvalue().strip()}")
assert names == ["0.png", "1.jpg", "4.jpg"]
assert "webp" not in said.getvalue() and "tif" not in said.getvalue()
PYTHON
