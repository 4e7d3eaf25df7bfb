#!/usr/bin/env bash
# Guess: A number that to_json wrote is read back as it was: 17 digits are enough for each.
# Instead: It writes ten digits behind the point: a rate of 1.5e-11 is sent as 0.0, though 1.5e-16, which it writes
# with an exponent, is right; and 2/3 is another number. A client that sends rows so asks for other features than it
# has.
# Do: json.dumps(frame.to_dict(orient="records")). With double_precision=15, the most there is, 2/3 is still another
# number.
# Versions: pandas 3.1.1 numpy 2.4.6
# Output seen:
#   pandas 3.1.1
#   [1.5e-11, 1.5e-16, 0.6666666666666666] by to_json: [0.0, 1.5e-16, 0.6666666667]; with 15 digits: [1.5e-11,
#   1.5e-16, 0.666666666666667]; by json.dumps: [1.5e-11, 1.5e-16, 0.6666666666666666]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pandas==3.1.1 numpy==2.4.6
cd "$folder"

venv/bin/python - <<'PYTHON'
import json

import pandas as pd

print("pandas", pd.__version__)
frame = pd.DataFrame({"rate": [1.5e-11, 1.5e-16, 2 / 3]})


def read_back(text):
    return [row["rate"] for row in json.loads(text)]


usual = read_back(frame.to_json(orient="records"))
most = read_back(frame.to_json(orient="records", double_precision=15))
other = read_back(json.dumps(frame.to_dict(orient="records")))
print(f"{frame.rate.tolist()} by to_json: {usual}; with 15 digits: {most}; by json.dumps: {other}")
assert usual == [0.0, 1.5e-16, 0.6666666667]
assert most[0] == 1.5e-11 and most[2] != 2 / 3
assert other == frame.rate.tolist()
PYTHON
