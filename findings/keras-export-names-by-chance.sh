#!/usr/bin/env bash
# Guess: The served inputs and outputs are called as the model's layers, and stay so from version to version.
# Instead: An input without a name is called by how many tensors the process has made before, and an output by
# its place. A retraining that builds one layer more breaks each client with the very same model.
# Do: Name each Input, and return a dict of named outputs; the project names both sides and checks them.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   the same model twice: other input names; outputs ['output_0']
#   named: ['rooms'] -> ['price']
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

def names(inputs, name, wrap=lambda output: output):
    model = keras.Model(inputs, wrap(keras.layers.Dense(1, name="price")(inputs)))
    model.export(name, verbose=False)
    signature = tf.saved_model.load(name).signatures["serving_default"]
    return list(signature.structured_input_signature[1]), list(signature.structured_outputs)


first, second = names(keras.Input((2,)), "1"), names(keras.Input((2,)), "2")
told = "other" if first[0] != second[0] else "the same"
print(f"the same model twice: {told} input names; outputs {second[1]}")
named = names(keras.Input((2,), name="rooms"), "3", lambda output: {"price": output})
print(f"named: {named[0]} -> {named[1]}")
assert first[0] != second[0] and first[1] == second[1] == ["output_0"]
assert named == (["rooms"], ["price"])
PYTHON
