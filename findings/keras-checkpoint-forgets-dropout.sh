#!/usr/bin/env bash
# Guess: A saved model holds all its state (the seed generators' too, which layers list as variables),
# so training resumed from it ends as training without a break does.
# Instead: The state of a Dropout's generator isn't in the file: a loaded model draws its first masks again.
# Do: Keep seed_generator.state beside the model where a resumed run must equal a straight one.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   ['seed_generator_state'] before [3, 2] after [3, 0]
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
dropout = keras.layers.Dropout(0.5, seed=3)
model = keras.Sequential([keras.Input((8,)), dropout, keras.layers.Dense(1)])
model.compile("sgd", "mse", jit_compile=False)
rows = np.ones((32, 8), "float32")
model.fit(rows, rows[:, :1], epochs=2, verbose=0)
model.save("model.keras")
loaded = keras.models.load_model("model.keras").layers[0]
names = [variable.name for variable in loaded.variables]
before, after = (layer.seed_generator.state.numpy().tolist() for layer in (dropout, loaded))
print(names, "before", before, "after", after)
assert names == ["seed_generator_state"]
assert before == [3, 2]
assert after == [3, 0]
PYTHON
