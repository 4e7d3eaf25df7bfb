#!/usr/bin/env bash
# Guess: A TensorProto with fewer values than its shape has elements is refused.
# Instead: The last value fills the rest, and none at all means zeros: a client that loses half of a batch's
# values gets scores for rows which nobody sent, with no error. TensorFlow Serving reads it in the same way.
# Do: Send tensor_content, whose length is checked, as the project does; count the values otherwise.
# Versions: tensorflow 2.21.0
# Output seen:
#   tensorflow 2.21.0
#   values 1, 2 for 2 x 3: [[1.0, 2.0, 2.0], [2.0, 2.0, 2.0]]; none: [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
#   8 bytes of tensor_content for 2 x 3: InvalidArgumentError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

print("tensorflow", tf.__version__)


def read(**content):
    proto = TensorProto(dtype=tf.float32.as_datatype_enum, **content)
    proto.tensor_shape.dim.add(size=2)
    proto.tensor_shape.dim.add(size=3)
    try:
        return tf.io.parse_tensor(proto.SerializeToString(), tf.float32).numpy().tolist()
    except tf.errors.InvalidArgumentError as error:
        return type(error).__name__


filled, zeros, short = read(float_val=[1, 2]), read(), read(tensor_content=bytes(8))
print(f"values 1, 2 for 2 x 3: {filled}; none: {zeros}")
print("8 bytes of tensor_content for 2 x 3:", short)
assert filled == [[1, 2, 2], [2, 2, 2]]
assert zeros == [[0, 0, 0], [0, 0, 0]]
assert short == "InvalidArgumentError"
PYTHON
