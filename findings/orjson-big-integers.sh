#!/usr/bin/env bash
# Guess: orjson reads numbers as json does, or raises: it won't write an integer past 64 bits.
# Instead: It reads such an integer as a float, so that its last digits are gone without an error;
# 1e400, which json reads as infinity, it refuses.
# Do: Send ids past 2**64 - 1 as strings.
# Versions: orjson 3.13.0
# Output seen:
#   orjson 3.13.0
#   [18446744073709551617, 1.8446744073709552e+19, 'TypeError', inf, 'JSONDecodeError']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" orjson==3.13.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import json

import orjson

print("orjson", orjson.__version__)


def outcome(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__


seen = [
    outcome(lambda: json.loads("18446744073709551617")),
    outcome(lambda: orjson.loads("18446744073709551617")),
    outcome(lambda: orjson.dumps(2**64)),
    outcome(lambda: json.loads("1e400")),
    outcome(lambda: orjson.loads("1e400")),
]
print(seen)
assert seen == [2**64 + 1, 1.8446744073709552e19, "TypeError", float("inf"), "JSONDecodeError"]
assert isinstance(seen[1], float)
PYTHON
