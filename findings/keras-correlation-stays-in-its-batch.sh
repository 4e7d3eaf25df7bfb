#!/usr/bin/env bash
# Guess: PearsonCorrelation of a regression is the correlation of all predictions with all targets, whatever the batch
# size, as R2Score and AUC are of all rows.
# Instead: It correlates along the last axis, the outputs of one row: with one output that is NaN, even as its page
# compiles it. With axis=0 it is the mean of the batches' correlations. In rows sorted by size or date, whose targets
# hardly differ within a batch, a correlation of 0.97 is 0.41, or 0.11. ConcordanceCorrelation does the same. Shuffled
# rows hide it.
# Do: Compute it once from predict(), by numpy.corrcoef say. Compare no two runs of other batch sizes by it.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   numpy: 0.97 Keras without axis: nan
#   axis=0, in batches of 256, 32, 8: {'sorted': [0.97, 0.41, 0.11], 'shuffled': [0.97, 0.97, 0.97],
#   'concordance, sorted': [0.97, 0.31, 0.03]}
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
targets = np.arange(256.0)[:, None]
predictions = targets + np.random.default_rng(0).normal(scale=18, size=targets.shape)
model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])


def correlation(batch_size, rows, kind=keras.metrics.PearsonCorrelation, **settings):
    model.compile(loss="mse", metrics=[kind(name="correlation", **settings)])
    got = model.evaluate(predictions[rows], targets[rows], batch_size, verbose=0, return_dict=True)
    return round(got["correlation"], 2)


in_order, shuffled, sizes = np.arange(256), np.random.default_rng(1).permutation(256), (256, 32, 8)
concordance = keras.metrics.ConcordanceCorrelation
seen = {
    "sorted": [correlation(size, in_order, axis=0) for size in sizes],
    "shuffled": [correlation(size, shuffled, axis=0) for size in sizes],
    "concordance, sorted": [correlation(size, in_order, concordance, axis=0) for size in sizes],
}
whole, default = round(np.corrcoef(targets[:, 0], predictions[:, 0])[0, 1], 2), correlation(32, in_order)
print("numpy:", whole, "Keras without axis:", default)
print("axis=0, in batches of 256, 32, 8:", seen)
assert whole == 0.97 and np.isnan(default)
assert seen["sorted"] == [0.97, 0.41, 0.11] and seen["shuffled"] == [0.97, 0.97, 0.97]
assert seen["concordance, sorted"] == [0.97, 0.31, 0.03]
PYTHON
