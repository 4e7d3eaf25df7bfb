#!/usr/bin/env bash
# Guess: Model.fit() trains under MultiWorkerMirroredStrategy, which is made for it; TensorFlow's guide shows it.
# Instead: With one worker it does. With two, even without a GPU, both end in a ValueError about PerReplica
# values: a test on one machine and one process passes, and the cluster fails in its first epoch.
# Do: Run the steps yourself with strategy.run() and reduce(), as the project does, and test with two processes.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   workers 1: ['trained']; workers 2: ['ValueError: PerReplica', 'ValueError: PerReplica']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 keras==3.15.1
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import json
import os
import pathlib
import socket
import subprocess
import sys
from importlib.metadata import version

print("keras", version("keras"), "tensorflow", version("tensorflow"))
pathlib.Path("worker.py").write_text("""
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()

import keras
import numpy as np

with strategy.scope():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
rows = np.ones((8, 1), "float32")
try:
    model.fit(tf.data.Dataset.from_tensor_slices((rows, rows)).batch(4), epochs=1, verbose=0)
    print("trained")
except ValueError as error:
    print("ValueError:", "PerReplica" if "PerReplica" in str(error) else error)
""")


def outcomes(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = ["127.0.0.1:{}".format(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    workers = []
    for index in range(count):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"TF_CONFIG": json.dumps(config), "CUDA_VISIBLE_DEVICES": "-1"}
        workers.append(subprocess.Popen([sys.executable, "worker.py"], env=environment, stdout=-1, text=True))
    try:
        return [worker.communicate(timeout=300)[0].strip() for worker in workers]
    finally:
        for worker in workers:
            worker.kill()


one, two = outcomes(1), outcomes(2)
print(f"workers 1: {one}; workers 2: {two}")
assert one == ["trained"]
assert two == ["ValueError: PerReplica"] * 2
PYTHON
