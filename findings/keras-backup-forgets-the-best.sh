#!/usr/bin/env bash
# Guess: With BackupAndRestore a run that was broken off ends as if it had not been, its callbacks too.
# Instead: Only model, optimizer and epoch come back. ModelCheckpoint(save_best_only=True) takes the first epoch
# after the restart for the best and writes it over a better one; EarlyStopping counts its patience anew.
# Do: Keep the best weights, its loss and the epochs waited in the checkpoint, as the project does; in Keras
# pass initial_value_threshold with the best loss so far.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   losses [1.0, 0.3, 0.9, 0.8]: saved is epoch 2 in one run, epoch 4 after a restart in epoch 3
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

row = np.ones((1, 1), "float32")
losses = [1.0, 0.3, 0.9, 0.8]
weights = []


class Losses(keras.callbacks.Callback):
    """Gives the validation losses; breaks off as epoch *end* begins."""

    def __init__(self, end):
        super().__init__()
        self.end = end

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.end:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs):
        logs["val_loss"] = losses[epoch]
        if epoch == len(weights):
            weights.append(self.model.get_weights()[0].item())


def fit(name, end=None):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    save = keras.callbacks.ModelCheckpoint(f"{name}.keras", save_best_only=True)
    backup = keras.callbacks.BackupAndRestore(f"{name}.backup")
    try:
        model.fit(row, row, epochs=4, verbose=0, callbacks=[Losses(end), save, backup])
    except KeyboardInterrupt:
        pass
    return weights.index(keras.models.load_model(f"{name}.keras").get_weights()[0].item()) + 1


straight = fit("straight")
before, resumed = fit("resumed", end=2), fit("resumed")
print(f"losses {losses}: saved is epoch {straight} in one run, epoch {resumed} after a restart in epoch 3")
assert (straight, before, resumed) == (2, 2, 4)
PYTHON
