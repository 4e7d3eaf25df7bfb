#!/usr/bin/env bash
# Guess: convert("L") of a 16-bit grey PNG scales 0-65535 to 0-255.
# Instead: It clips: all values above 255 are white, so a common 16-bit picture is blank.
# Do: Scale it yourself: numpy.asarray(image) / 257. A mode that starts with "I" tells such a file.
# Versions: pillow 13.0.0 numpy 2.4.6
# Output seen:
#   pillow 13.0.0
#   I;16 [[0, 255, 255, 255]]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pillow==13.0.0 numpy==2.4.6
cd "$folder"

venv/bin/python - <<'PYTHON'
import io

import numpy as np
import PIL
from PIL import Image

print("pillow", PIL.__version__)
file = io.BytesIO()
Image.fromarray(np.array([[0, 256, 30000, 65535]], np.uint16)).save(file, "PNG")
image = Image.open(file)
seen = np.asarray(image.convert("L")).tolist()
print(image.mode, seen)
assert image.mode == "I;16"
assert seen == [[0, 255, 255, 255]]
PYTHON
