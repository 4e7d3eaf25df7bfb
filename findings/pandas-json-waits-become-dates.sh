#!/usr/bin/env bash
# Guess: read_json gives JSON's own types: numbers stay numbers, and strings strings.
# Instead: A column of integers whose name ends in `_time` or `_at`, or is `date` or `modified`, becomes dates in 1971 once
# all of its values are above 31,536,000, so a day of long waits has another type than a usual one. Strings of digits
# become integers: request ids lose their leading zeros, and no longer join with what another program wrote.
# Do: Pass dtype=False, as docs/loop.md says of captures.
# Versions: pandas 3.1.1
# Output seen:
#   pandas 3.1.1
#   usual: wait_time int64, request_id int64 7
#   long: wait_time datetime64[us], 1971-04-08 23:06:40
#   asked not to: wait_time int64, request_id str 0007
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pandas==3.1.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import io
import json

import pandas as pd

print("pandas", pd.__version__)


def read(waits: list[int], **options: object) -> pd.DataFrame:
    rows = [{"request_id": f"{number:04}", "wait_time": wait} for number, wait in enumerate(waits, 7)]
    return pd.read_json(io.StringIO("\n".join(map(json.dumps, rows))), lines=True, **options)


usual, long = read([12, 40_000_000]), read([40_000_000, 40_000_001])
told = read([40_000_000, 40_000_001], dtype=False)
seen = [
    f"usual: wait_time {usual.wait_time.dtype}, request_id {usual.request_id.dtype} {usual.request_id[0]}",
    f"long: wait_time {long.wait_time.dtype}, {long.wait_time[0]}",
    f"asked not to: wait_time {told.wait_time.dtype}, request_id {told.request_id.dtype} {told.request_id[0]}",
]
print(*seen, sep="\n")
assert seen == [
    "usual: wait_time int64, request_id int64 7",
    "long: wait_time datetime64[us], 1971-04-08 23:06:40",
    "asked not to: wait_time int64, request_id str 0007",
]
PYTHON
