#!/usr/bin/env bash
# Guess: With use_ema=True, fit() validates, saves and stops by the averaged weights, which are those it ends with.
# Instead: Averages replace the weights only after the last epoch. The validation loss of each epoch is that of the raw
# weights, as without averages. ModelCheckpoint saves these, and EarlyStopping puts them back over the averages. A
# training loop of one's own (train_on_batch) ends without any.
# Do: Choose epochs with the callback SwapEMAWeights(swap_on_epoch=True), or evaluate after fit(); in a loop call
# optimizer.finalize_variable_values.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   averaged: last validation loss 5.671, evaluated afterwards 21.068
#   with ModelCheckpoint: the saved model 5.671
#   with EarlyStopping: evaluated afterwards 5.671
#   with SwapEMAWeights: last validation loss 21.068, evaluated afterwards 21.068
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

draw = np.random.default_rng(0)
rows = draw.normal(size=(512, 4)).astype("float32")
targets = rows @ np.array([1, 2, 3, 4], "float32") + draw.normal(size=512).astype("float32")


def fitted(*callbacks):
    """Return the last validation loss of three epochs, and the loss of the model that comes out."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.99), "mse")
    told = model.fit(
        rows, targets, epochs=3, validation_data=(rows, targets), callbacks=list(callbacks), verbose=0
    )
    return told.history["val_loss"][-1], model.evaluate(rows, targets, verbose=0)


validated, evaluated = fitted()
print(f"averaged: last validation loss {validated:.3f}, evaluated afterwards {evaluated:.3f}")
fitted(keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True))
saved = keras.models.load_model("best.keras").evaluate(rows, targets, verbose=0)
print(f"with ModelCheckpoint: the saved model {saved:.3f}")
_, restored = fitted(keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True))
print(f"with EarlyStopping: evaluated afterwards {restored:.3f}")
swapped, after = fitted(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
print(f"with SwapEMAWeights: last validation loss {swapped:.3f}, evaluated afterwards {after:.3f}")

near = lambda one, other: abs(one - other) < 0.01 * other  # noqa: E731
assert evaluated > 3 * validated, "the averages were validated"
assert near(saved, validated), "the averages were saved"
assert near(restored, validated), "the averages were kept"
assert near(swapped, evaluated) and near(after, evaluated), "SwapEMAWeights does something else"
PYTHON
