#!/usr/bin/env bash
# Guess: With gradient_accumulation_steps=4, an epoch's last batches, if they are fewer than four, are applied at its
# end, or at the end of fit.
# Instead: They wait for batches of the next epoch, and at the end of fit they are dropped. A fit of fewer batches in
# all trains nothing, and says nothing.
# Do: Choose a number of steps that divides the batches of an epoch, or repeat the data.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   1 epochs of 3 batches, each of gradient 1, in fours: the weight moved by 0.0
#   2 epochs of 3 batches, each of gradient 1, in fours: the weight moved by 1.0
#   4 epochs of 3 batches, each of gradient 1, in fours: the weight moved by 3.0
#   1 epochs of 4 batches, each of gradient 1, in fours: the weight moved by 1.0
#   1 epochs of 7 batches, each of gradient 1, in fours: the weight moved by 1.0
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


def learned(batches, epochs):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(1.0, gradient_accumulation_steps=4), "mae")
    rows = np.ones((batches, 1))
    model.fit(rows, 100 * rows, batch_size=1, epochs=epochs, verbose=0)
    return float(model.get_weights()[0][0, 0])


told = {(batches, epochs): learned(batches, epochs) for batches, epochs in [(3, 1), (3, 2), (3, 4), (4, 1), (7, 1)]}
for (batches, epochs), weight in told.items():
    print(f"{epochs} epochs of {batches} batches, each of gradient 1, in fours: the weight moved by {weight}")
assert told == {(3, 1): 0.0, (3, 2): 1.0, (3, 4): 3.0, (4, 1): 1.0, (7, 1): 1.0}
PYTHON
