#!/usr/bin/env bash
# Guess: A layer such as RandomFlip works in fit() alone, as Dropout does: what export() writes doesn't have it.
# Instead: It is idle in predict() and evaluate(), but not in model(x), nor in what export() writes: the served
# model flips pictures at random, and the same request gets other scores each time. All tests by predict() pass.
# Do: Call model(x, training=False) in an endpoint of ExportArchive, keep such layers out of what is served, and
# compare what was exported with predict(). The project does all three.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   RandomFlip changes: {'predict': False, 'training=False': False, 'model(x)': True, 'exported': True}
#   GaussianNoise changes: {'predict': False, 'training=False': False, 'model(x)': False, 'exported': False}
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

picture = np.arange(4, dtype="float32").reshape(1, 1, 4, 1)


def outcome(layer):
    model = keras.Sequential([keras.Input((1, 4, 1)), layer])
    model.export(layer.name, verbose=False)
    loaded = tf.saved_model.load(layer.name)

    def changes(call):
        return any((np.asarray(call(picture)) != picture).any() for _ in range(20))

    seen = {
        "predict": changes(lambda rows: model.predict(rows, verbose=0)),
        "training=False": changes(lambda rows: model(rows, training=False)),
        "model(x)": changes(model),
        "exported": changes(loaded.serve),
    }
    print(f"{type(layer).__name__} changes: {seen}")
    return list(seen.values())


assert outcome(keras.layers.RandomFlip("horizontal")) == [False, False, True, True]
assert outcome(keras.layers.GaussianNoise(1.0)) == [False] * 4
PYTHON
