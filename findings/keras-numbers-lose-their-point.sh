#!/usr/bin/env bash
# Guess: TextVectorization takes punctuation away between words, and leaves numbers as they are.
# Instead: It deletes each such character, and puts no space in its place: "3.5 mg" and "35 mg" are the same words, so
# are "-2" and "2", "C++" and "C", and "good.Bad" is one word that nobody else has written.
# Do: Give standardize a function that replaces by a space what is not within a number, and keeps signs.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   {'3.5 mg': '35 mg', '-2': '2', 'C++': 'c', 'good.Bad': '[UNK]'}
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

layer = keras.layers.TextVectorization()
layer.adapt(["35 mg 2 c good bad"])


def words(text):
    names = layer.get_vocabulary()
    return " ".join(str(names[place]) for place in layer(text).numpy())


read = {text: words(text) for text in ("3.5 mg", "-2", "C++", "good.Bad")}
print(read)
assert read == {"3.5 mg": "35 mg", "-2": "2", "C++": "c", "good.Bad": "[UNK]"}
PYTHON
