#!/usr/bin/env bash
# Guess: A model with RandomCrop(4, 4) crops in inference too, at the middle: its output_shape says 4 by 4, and a
# layer behind it was built for that.
# Instead: In inference the picture passes as it is. Where what follows takes any size, such as a global pooling, it
# then sees things at another scale than in training, and nobody is told; where it does not, predict fails after a
# training that did not.
# Do: Crop at random in the data's pipeline, and put CenterCrop(4, 4) into the model.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   output_shape (4, 4), in training (4, 4), by predict (8, 12)
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

picture = np.arange(8 * 12, dtype=np.float32).reshape(1, 8, 12, 1)
model = keras.Sequential([keras.Input((8, 12, 1)), keras.layers.RandomCrop(4, 4)])
told, trained = model.output_shape[1:3], model(picture, training=True).shape[1:3]
served = model.predict(picture, verbose=0).shape[1:3]
print(f"output_shape {told}, in training {tuple(trained)}, by predict {served}")
assert told == tuple(trained) == (4, 4)
assert served == (8, 12)
PYTHON
