#!/usr/bin/env bash
# Guess: A FloatRange(0, 1) refuses what is not between 0 and 1, and with clamp=True nothing else comes out of it.
# Instead: NaN is neither below 0 nor above 1, so it passes both, as does every spelling of it that float() knows.
# A share or a threshold of NaN then compares as false with everything: nothing is kept, or nothing is ever
# refused.
# Do: Check math.isfinite() behind it, or read the number by a type of your own, as the project's capacity command
# does.
# Versions: click 8.5.1
# Output seen:
#   click 8.5.1
#   {'range': ['refused', 'refused', nan], 'clamped': [1, 1, nan]}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" click==8.5.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import math
from importlib.metadata import version

import click

print("click", version("click"))


def outcome(kind, word):
    try:
        return kind.convert(word, None, None)
    except click.BadParameter:
        return "refused"


kinds = {"range": click.FloatRange(0, 1), "clamped": click.FloatRange(0, 1, clamp=True)}
seen = {name: [outcome(kind, word) for word in ("1.5", "inf", "nan")] for name, kind in kinds.items()}
print(seen)
assert seen["range"][:2] == ["refused", "refused"] and seen["clamped"][:2] == [1, 1]
assert all(math.isnan(found[2]) for found in seen.values())
PYTHON
