#!/usr/bin/env bash
# Guess: A table that pyarrow writes as CSV has as many rows when pyarrow reads it again.
# Instead: A null in a table of one column is an empty line, and the reader skips empty lines: rows
# vanish, and those after them no longer match their ids by position.
# Do: Read with ParseOptions(ignore_empty_lines=False), or write a second column.
# Versions: pyarrow 26.0.1
# Output seen:
#   pyarrow 26.0.1
#   b'"a"\n1\n\n3\n' [1, 3] [1, None, 3]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pyarrow==26.0.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import io

import pyarrow as pa
from pyarrow import csv

print("pyarrow", pa.__version__)
written = io.BytesIO()
csv.write_csv(pa.table({"a": [1, None, 3]}), written)
text = written.getvalue()
skipped = csv.read_csv(io.BytesIO(text))["a"].to_pylist()
kept = csv.read_csv(io.BytesIO(text), parse_options=csv.ParseOptions(ignore_empty_lines=False))["a"].to_pylist()
print(text, skipped, kept)
assert skipped == [1, 3]
assert kept == [1, None, 3]
PYTHON
