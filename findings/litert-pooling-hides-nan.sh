#!/usr/bin/env bash
# Guess: A NaN in the input of a converted model comes out as NaN, as it does in TensorFlow.
# Instead: Max pooling of LiteRT passes over it: the answer is the largest of the other values, finite and plausible. A guard
# that looks for NaN in the answers sees it with TensorFlow, and no more after the conversion.
# Do: Refuse NaN in what comes in, as the project does.
# Versions: tensorflow 2.21.0 keras 3.15.1 ai-edge-litert 2.3.0
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   largest of NaN, 1, -1, 0: TensorFlow nan, LiteRT 1.0
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
steps = keras.Input((4, 1), batch_size=1)
model = keras.Model(steps, keras.layers.GlobalMaxPooling1D()(steps))
model.export("exported", verbose=False)
lite = Interpreter(model_content=tf.lite.TFLiteConverter.from_saved_model("exported").convert())
lite.allocate_tensors()
values = np.array([np.nan, 1, -1, 0], np.float32).reshape(1, 4, 1)
lite.set_tensor(lite.get_input_details()[0]["index"], values)
lite.invoke()
original = model.predict(values, verbose=0).item()
converted = lite.get_tensor(lite.get_output_details()[0]["index"]).item()
print(f"largest of NaN, 1, -1, 0: TensorFlow {original}, LiteRT {converted}")
assert np.isnan(original)
assert converted == 1
PYTHON
