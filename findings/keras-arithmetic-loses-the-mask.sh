#!/usr/bin/env bash
# Guess: Padding that Embedding(mask_zero=True) masks stays masked in what is computed from it, such as words + places;
# or there is the warning that layers without support for masks give.
# Instead: Operators and keras.ops drop the mask without a word, and so does the layer Add unless all that it adds has
# one, which the places' embedding hasn't. Averages and LSTMs behind it take the padding for words: what a model says
# of a text depends on how long the others of its batch are.
# Do: Pass the mask on: pool(x, mask=embedding.compute_mask(ids)). Ask for the same text with more padding in a test.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   GlobalAveragePooling1D unmoved by padding: {'words': True, 'words * 2': False, 'words + places': False, 'Add':
#   False, 'mask passed': True}
#   LSTM unmoved by padding: {'words': True, 'words * 2': False, 'words + places': False, 'Add': False, 'mask passed':
#   True}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 keras==3.15.1
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import warnings

import keras
import numpy as np
import tensorflow as tf

print("keras", keras.__version__, "tensorflow", tf.__version__)
warnings.simplefilter("error")
short, padded = np.array([[1, 2]]), np.array([[1, 2, 0, 0, 0, 0]])


def same(pool, join, by_hand=False):
    """Return whether a model says the same of a text alone and of that text with more padding."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32")
    embedding = keras.layers.Embedding(3, 4, mask_zero=True, embeddings_initializer="normal")
    places = keras.layers.Embedding(6, 4)(keras.ops.cumsum(keras.ops.ones_like(ids), axis=1) - 1)
    joined = join(embedding(ids), places)
    pooled = pool(joined, mask=embedding.compute_mask(ids)) if by_hand else pool(joined)
    model = keras.Model(ids, keras.layers.Dense(1)(pooled))
    alone, with_padding = (model.predict(rows, verbose=0)[0, 0] for rows in (short, padded))
    return bool(np.isclose(alone, with_padding, rtol=1e-4))


for pool in (keras.layers.GlobalAveragePooling1D(), keras.layers.LSTM(4)):
    seen = {
        "words": same(pool, lambda words, places: words),
        "words * 2": same(pool, lambda words, places: words * 2),
        "words + places": same(pool, lambda words, places: words + places),
        "Add": same(pool, lambda words, places: keras.layers.Add()([words, places])),
        "mask passed": same(pool, lambda words, places: words + places, by_hand=True),
    }
    print(f"{type(pool).__name__} unmoved by padding: {seen}")
    assert list(seen.values()) == [True, False, False, False, True]
PYTHON
