#!/usr/bin/env bash
# Guess: After set_random_seed(), fit() gives the rows in another order each epoch, and the same orders each run.
# Instead: With arrays, each epoch of the run has one and the same order: the same rows meet in each batch,
# and the last, small batch is of the same rows each time. Without a seed the order changes.
# Do: Shuffle by seed and epoch yourself, as the project does, or pass a Dataset with shuffle().
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   orders in 4 epochs of arrays: 1 seeded, more without; of a seeded Dataset: 4
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

rows = np.arange(12, dtype="float32")[:, None]


class Noting(keras.Model):
    """Learns nothing, and notes the rows in the order in which they come."""

    def train_step(self, data):
        self.seen.extend(data[0].numpy().ravel().tolist())
        return {"loss": tf.zeros(())}


def orders(data, seed):
    if seed is not None:
        keras.utils.set_random_seed(seed)
    model = Noting()
    model.seen = []
    model.compile("sgd", "mse", run_eagerly=True, jit_compile=False)
    model.fit(*data, batch_size=4 if len(data) == 2 else None, epochs=4, verbose=0)
    return len({tuple(model.seen[start : start + 12]) for start in range(0, 48, 12)})


unseeded, seeded = orders((rows, rows), None), orders((rows, rows), 1)
dataset = orders((tf.data.Dataset.from_tensor_slices((rows, rows)).shuffle(12).batch(4),), 1)
without = "more" if unseeded > 1 else unseeded
print(f"orders in 4 epochs of arrays: {seeded} seeded, {without} without; of a seeded Dataset: {dataset}")
assert seeded == 1 and unseeded > 1 and dataset == 4
PYTHON
