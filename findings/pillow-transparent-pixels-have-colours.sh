#!/usr/bin/env bash
# Guess: convert("RGB") puts a picture with transparent parts on white or black, and a lossless file gives back
# what was saved.
# Instead: convert() only takes the transparency away: what was hidden below it is seen, here red. And lossless
# WebP, unlike PNG, makes hidden pixels black: the same picture, saved twice without loss, is two pictures for a
# model.
# Do: Put it on a background of your own first: Image.alpha_composite(white, picture).
# Versions: pillow 13.0.0
# Output seen:
#   pillow 13.0.0
#   PNG: converted (255, 0, 0), on white (255, 255, 255)
#   WebP: converted (0, 0, 0), on white (255, 255, 255)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pillow==13.0.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import io

import PIL
from PIL import Image

print("pillow", PIL.__version__)
picture = Image.new("RGBA", (1, 1), (255, 0, 0, 0))
white = Image.new("RGBA", (1, 1), "white")


def reopened(kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return Image.open(file).convert("RGBA")


saved = {"PNG": reopened("PNG"), "WebP": reopened("WEBP", lossless=True)}
for name, image in saved.items():
    print(f"{name}: converted {image.convert('RGB').getpixel((0, 0))}", end=", ")
    print(f"on white {Image.alpha_composite(white, image).convert('RGB').getpixel((0, 0))}")
assert [image.convert("RGB").getpixel((0, 0)) for image in saved.values()] == [(255, 0, 0), (0, 0, 0)]
assert all(Image.alpha_composite(white, it).getpixel((0, 0)) == (255, 255, 255, 255) for it in saved.values())
PYTHON
