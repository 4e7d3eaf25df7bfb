#!/usr/bin/env bash
# Guess: An array made of files' bytes holds the bytes: what goes into a request is what was read.
# Instead: Its type is one of fixed length, which is filled up with zeros, and so takes zeros at the end for
# filling: a file that ends in zeros (tar, some pictures) comes out shorter, and its digest is another.
# Do: Make it with dtype=object, as the project does with the strings that it reads from tensors.
# Versions: numpy 2.4.6
# Output seen:
#   numpy 2.4.6
#   |S4 [b'PK\x01', b'ab\x00c'] object [b'PK\x01\x00', b'ab\x00c']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" numpy==2.4.6
cd "$folder"

venv/bin/python - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
files = [b"PK\x01\x00", b"ab\x00c"]
fixed, kept = np.array(files), np.array(files, object)
print(fixed.dtype.str, fixed.tolist(), kept.dtype, kept.tolist())
assert fixed.tolist() == [b"PK\x01", b"ab\x00c"]
assert kept.tolist() == files
PYTHON
