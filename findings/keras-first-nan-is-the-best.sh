#!/usr/bin/env bash
# Guess: A validation loss of NaN never counts as the best: EarlyStopping and ModelCheckpoint pass over it.
# Instead: Whatever comes first is the best so far, and nothing is less than NaN. Where the first epoch gives
# NaN, all later ones count as worse: training stops, and the weights of the NaN are put back and kept.
# Do: Start from infinity, as the project's fit does; in Keras refuse a run whose best is NaN.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   losses [nan, 0.5, 0.4, 0.3, 0.2]: 4 epochs, weights of epoch 1, saved ['1.keras']
#   losses [0.9, 0.5, nan, 0.3, 0.2]: 5 epochs, weights of epoch 5, saved ['1.keras', '2.keras', '4.keras', '5.keras']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 keras==3.15.1
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import pathlib

import keras
import numpy as np
import tensorflow as tf

print("keras", keras.__version__, "tensorflow", tf.__version__)

row = np.ones((1, 1), "float32")


class Losses(keras.callbacks.Callback):
    """Gives the validation losses, and notes the weights of each epoch."""

    def __init__(self, losses):
        super().__init__()
        self.losses, self.weights = losses, []

    def on_epoch_end(self, epoch, logs):
        logs["val_loss"] = self.losses[epoch]
        self.weights.append(self.model.get_weights()[0].item())


def outcome(number, losses):
    folder = pathlib.Path(str(number))
    folder.mkdir()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    given = Losses(losses)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    save = keras.callbacks.ModelCheckpoint(f"{folder}/{{epoch}}.keras", save_best_only=True)
    model.fit(row, row, epochs=5, verbose=0, callbacks=[given, stop, save])
    kept = given.weights.index(model.get_weights()[0].item()) + 1
    saved = sorted(path.name for path in folder.iterdir())
    print(f"losses {losses}: {len(given.weights)} epochs, weights of epoch {kept}, saved {saved}")
    return len(given.weights), kept, len(saved)


assert outcome(1, [float("nan"), 0.5, 0.4, 0.3, 0.2]) == (4, 1, 1)
assert outcome(2, [0.9, 0.5, float("nan"), 0.3, 0.2]) == (5, 5, 4)
PYTHON
