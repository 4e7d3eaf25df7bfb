#!/usr/bin/env bash
# Guess: get_input_details of a converted model lists the inputs in the model's order, or by name, and so does the list of
# outputs: whoever has several sets them by their position.
# Instead: They come in an order of their own. Where the inputs have equal shapes, nothing complains: the price is taken
# for the number of rooms.
# Do: Use get_signature_runner, which takes and gives names.
# Versions: tensorflow 2.21.0 keras 3.15.1 ai-edge-litert 2.3.0
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   the model's inputs: price, area, rooms; LiteRT's: rooms, area, price
#   3 rooms at their position: price 3.0; by name: price 250.0
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
names = ["price", "area", "rooms"]
inputs = [keras.Input((1,), batch_size=1, name=name) for name in names]
keras.Model(inputs, keras.layers.Concatenate()(inputs)).export("exported", verbose=False)
lite = Interpreter(model_content=tf.lite.TFLiteConverter.from_saved_model("exported").convert())
lite.allocate_tensors()
details = lite.get_input_details()
listed = [detail["name"].removeprefix("serving_default_").removesuffix(":0") for detail in details]
print(f"the model's inputs: {', '.join(names)}; LiteRT's: {', '.join(listed)}")

values = [np.array([[value]], np.float32) for value in (250, 80, 3)]
for detail, value in zip(details, values):
    lite.set_tensor(detail["index"], value)
lite.invoke()
by_position = lite.get_tensor(lite.get_output_details()[0]["index"])[0, 0].item()
(by_name,) = lite.get_signature_runner()(**dict(zip(names, values))).values()
print(f"3 rooms at their position: price {by_position}; by name: price {by_name[0, 0].item()}")
assert listed != names and listed != sorted(names)
assert by_position == 3 and by_name[0].tolist() == [250, 80, 3]
PYTHON
