#!/usr/bin/env bash
# Guess: A JPEG holds one picture: TensorFlow and Pillow, both of which use libjpeg, decode the same pixels.
# Instead: TensorFlow takes libjpeg's quicker and rougher arithmetic unless told otherwise: two thirds of the
# values differ, by up to 5 of 255. A model trained through tf.io.decode_jpeg and asked through Pillow sees other
# pictures than it learned.
# Do: Decode in one place for training and serving, as the project does, or pass dct_method="INTEGER_ACCURATE".
# Versions: tensorflow 2.21.0 pillow 13.0.0
# Output seen:
#   tensorflow 2.21.0 pillow 13.0.0
#   {'plain': {'differ': '67%', 'most': 5}, 'INTEGER_ACCURATE': {'differ': '0%', 'most': 0}}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 pillow==13.0.0
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import io

import numpy as np
import PIL
import tensorflow as tf
from PIL import Image

print("tensorflow", tf.__version__, "pillow", PIL.__version__)
small = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype="uint8")
file = io.BytesIO()
Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
pillow = np.asarray(Image.open(file)).astype(int)


def outcome(**options):
    away = np.abs(tf.io.decode_jpeg(file.getvalue(), **options).numpy() - pillow)
    return {"differ": f"{(away > 0).mean():.0%}", "most": int(away.max())}


seen = {"plain": outcome(), "INTEGER_ACCURATE": outcome(dct_method="INTEGER_ACCURATE")}
print(seen)
assert seen == {"plain": {"differ": "67%", "most": 5}, "INTEGER_ACCURATE": {"differ": "0%", "most": 0}}
PYTHON
