#!/usr/bin/env bash
# Guess: A quote that is never closed is an error to any reader of CSV.
# Instead: Python's csv (unless strict=True) and pyarrow take the rest of the file as one cell, with no
# word; pandas refuses it. Half a file was one value, and the row count looked merely small.
# Do: Pass strict=True to csv.reader; with pyarrow compare the row count with what is expected.
# Versions: pyarrow 26.0.1 pandas 3.1.1
# Output seen:
#   pandas 3.1.1 pyarrow 26.0.1
#   {'csv': 1, 'csv, strict': 'Error', 'pyarrow': 1, 'pandas': 'ParserError'}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pyarrow==26.0.1 pandas==3.1.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import csv
import io

import pandas as pd
import pyarrow as pa
import pyarrow.csv

print("pandas", pd.__version__, "pyarrow", pa.__version__)
text = 'a,b\n1,"two\n3,4\n5,6\n'


def outcome(read):
    try:
        return read()
    except Exception as error:
        return type(error).__name__


seen = {
    "csv": outcome(lambda: len(list(csv.reader(io.StringIO(text)))) - 1),
    "csv, strict": outcome(lambda: list(csv.reader(io.StringIO(text), strict=True))),
    "pyarrow": outcome(lambda: pa.csv.read_csv(io.BytesIO(text.encode())).num_rows),
    "pandas": outcome(lambda: len(pd.read_csv(io.StringIO(text)))),
}
print(seen)
assert seen == {"csv": 1, "csv, strict": "Error", "pyarrow": 1, "pandas": "ParserError"}
PYTHON
