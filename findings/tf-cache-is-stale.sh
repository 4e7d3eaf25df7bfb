#!/usr/bin/env bash
# Guess: cache(file) is made anew when the pipeline before it changes, and a snapshot when its files do.
# Instead: A cache is known by its file's name alone: after a change of the preprocessing the old rows come, and
# nothing says so. A snapshot is told by its pipeline, but not by what is in the files that it reads.
# Do: Put a fingerprint of data and code into the path. The project fingerprints its data sets and code.
# Versions: tensorflow 2.21.0
# Output seen:
#   tensorflow 2.21.0
#   times 1: [0, 1, 2]; times 100: cache [0, 1, 2], snapshot [0, 100, 200]
#   file changed from 1, 2 to 7, 8: snapshot [b'1', b'2']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import pathlib

import tensorflow as tf

print("tensorflow", tf.__version__)


def times(factor):
    return tf.data.Dataset.range(3).map(lambda value: value * factor)


def values(dataset):
    return [value.item() if hasattr(value, "item") else value for value in dataset.as_numpy_iterator()]


first = values(times(1).cache("cache")), values(times(1).snapshot("snapshot"))
cached, snapped = values(times(100).cache("cache")), values(times(100).snapshot("snapshot"))
print(f"times 1: {first[0]}; times 100: cache {cached}, snapshot {snapped}")
file = pathlib.Path("rows.txt")
lines = []
for text in ("1\n2\n", "7\n8\n"):
    file.write_text(text)
    lines = values(tf.data.TextLineDataset(str(file)).snapshot("lines"))
print("file changed from 1, 2 to 7, 8: snapshot", lines)
assert first == ([0, 1, 2], [0, 1, 2])
assert (cached, snapped) == ([0, 1, 2], [0, 100, 200])
assert lines == [b"1", b"2"]
PYTHON
