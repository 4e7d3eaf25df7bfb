#!/usr/bin/env bash
# Guess: TextVectorization(ngrams=2, output_sequence_length=n) gives the words and pairs of the beginning of a text.
# Instead: All words come first and the pairs after them, and what is over the length is cut: of a text with n words
# or more no pair is left, though the vocabulary has them, and short texts are told apart from long ones by having
# any.
# Do: output_mode="multi_hot", "count" or "tf_idf", which cut nothing; or a length of twice the words.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   of five words, with a length of 5: ['a', 'b', 'c', 'd', 'e']; of 10: ['a', 'b', 'c', 'd', 'e', 'a b', 'b c', 'c
#   d', 'd e']
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

def read(length):
    layer = keras.layers.TextVectorization(ngrams=2, output_sequence_length=length)
    layer.adapt(["a b c d e"])
    names = layer.get_vocabulary()
    return [str(names[place]) for place in layer(["a b c d e"]).numpy()[0] if place]


cut, whole = read(5), read(10)
print(f"of five words, with a length of 5: {cut}; of 10: {whole}")
assert cut == ["a", "b", "c", "d", "e"]
assert whole == [*cut, "a b", "b c", "c d", "d e"]
PYTHON
