#!/usr/bin/env bash
# Guess: What Keras guards against a division by zero is guarded in the converted model, too.
# Instead: UnitNormalization of a vector of zeros, the embedding of an empty text say, is zeros in Keras and TensorFlow.
# LiteRT has an operation of its own for it, without the least divisor: the answer is NaN.
# Do: Compare a converted model on inputs of nothing but zeros, too, before it replaces the original.
# Versions: tensorflow 2.21.0 keras 3.15.1 ai-edge-litert 2.3.0
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   unit vector of 0, 0, 0: TensorFlow [0.0, 0.0, 0.0], LiteRT [nan, nan, nan]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 keras==3.15.1 ai-edge-litert==2.3.0
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

print("keras", keras.__version__, "tensorflow", tf.__version__)
row = keras.Input((3,), batch_size=1)
model = keras.Model(row, keras.layers.UnitNormalization()(row))
model.export("exported", verbose=False)
lite = Interpreter(model_content=tf.lite.TFLiteConverter.from_saved_model("exported").convert())
lite.allocate_tensors()
values = np.zeros((1, 3), np.float32)
lite.set_tensor(lite.get_input_details()[0]["index"], values)
lite.invoke()
original = model.predict(values, verbose=0)[0].tolist()
converted = lite.get_tensor(lite.get_output_details()[0]["index"])[0].tolist()
print(f"unit vector of 0, 0, 0: TensorFlow {original}, LiteRT {converted}")
assert original == [0, 0, 0]
assert np.isnan(converted).all()
PYTHON
