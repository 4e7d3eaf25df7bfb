#!/usr/bin/env bash
# Guess: A text in JSON is read as a text: JSON has no other type for it.
# Instead: If all texts of a column look like dates it becomes one of times, of whole seconds. One more row with
# another text, and all are texts again. What is learned from one file does not fit the next.
# Do: ParseOptions(explicit_schema=...) with pa.string() for the column.
# Versions: pyarrow 26.0.1
# Output seen:
#   pyarrow 26.0.1
#   texts like dates: timestamp[s]; one that is none: string; with the type given: string
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
import pyarrow.json as pj

print("pyarrow", pa.__version__)


def kind(texts, schema=None):
    lines = "".join('{"batch":"%s"}\n' % text for text in texts)
    options = pj.ParseOptions(explicit_schema=schema)
    return str(pj.read_json(io.BytesIO(lines.encode()), parse_options=options)["batch"].type)


dates, mixed = kind(["2024-01-01", "2024-05-05"]), kind(["2024-01-01", "2024-05-05b"])
given = kind(["2024-01-01", "2024-05-05"], pa.schema([("batch", pa.string())]))
print(f"texts like dates: {dates}; one that is none: {mixed}; with the type given: {given}")
assert dates.startswith("timestamp")
assert mixed == given == "string"
PYTHON
