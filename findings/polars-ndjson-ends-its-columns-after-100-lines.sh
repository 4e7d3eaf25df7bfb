#!/usr/bin/env bash
# Guess: Reading JSON lines either takes every key, as pandas, DuckDB and Arrow do, or fails at one that it did not expect.
# Instead: polars looks at the first 100 lines for its columns. A key that only later lines have, such as the `error` of
# the first request that fails, is left out without a word; a number that is whole in the first 100 lines and is not
# later fails, though. scan_ndjson does the same.
# Do: Pass infer_schema_length=None, as docs/loop.md says of captures.
# Versions: polars 2.1.0
# Output seen:
#   polars 2.1.0
#   error in line 100: ['id', 'error']
#   error in line 101: ['id']
#   asked for all lines: ['id', 'error']
#   a half in line 101: ComputeError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" polars==2.1.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import io
import json

import polars as pl

print("polars", pl.__version__)


def read(special: dict[str, object], line: int, **options: object) -> pl.DataFrame:
    rows = [{"id": number} for number in range(200)]
    rows[line - 1] |= special
    return pl.read_ndjson(io.BytesIO("\n".join(map(json.dumps, rows)).encode()), **options)


def half() -> str:
    try:
        return str(read({"id": 0.5}, 101)["id"][100])
    except pl.exceptions.PolarsError as error:
        return type(error).__name__


seen = [
    f"error in line 100: {read({'error': 'x'}, 100).columns}",
    f"error in line 101: {read({'error': 'x'}, 101).columns}",
    f"asked for all lines: {read({'error': 'x'}, 101, infer_schema_length=None).columns}",
    f"a half in line 101: {half()}",
]
print(*seen, sep="\n")
assert seen == [
    "error in line 100: ['id', 'error']",
    "error in line 101: ['id']",
    "asked for all lines: ['id', 'error']",
    "a half in line 101: ComputeError",
]
PYTHON
