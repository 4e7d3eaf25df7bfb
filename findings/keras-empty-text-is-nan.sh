#!/usr/bin/env bash
# Guess: The mean of a text's embedded words, padding left out, is 0 for a text without words.
# Instead: GlobalAveragePooling1D divides 0 words by 0: the score of an empty text, or of one whose words were all
# dropped, is NaN - while LSTM and Bidirectional give 0 for it, and no row of the training data may ever have shown it.
# Do: Divide by one at least, as the project's recipes do, or keep one word that stands for none.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   no words: average [nan, nan], LSTM [0.0, 0.0]
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
ids = keras.Input((4,), dtype="int32")
words = keras.layers.Embedding(5, 2, mask_zero=True)(ids)
rows = np.array([[1, 2, 0, 0], [0, 0, 0, 0]])
average = keras.Model(ids, keras.layers.GlobalAveragePooling1D()(words)).predict(rows, verbose=0)
lstm = keras.Model(ids, keras.layers.LSTM(2)(words)).predict(rows, verbose=0)
print(f"no words: average {average[1].tolist()}, LSTM {lstm[1].tolist()}")
assert np.isfinite(average[0]).all() and np.isnan(average[1]).all()
assert lstm[1].tolist() == [0.0, 0.0]
PYTHON
