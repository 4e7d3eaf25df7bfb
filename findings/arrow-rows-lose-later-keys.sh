#!/usr/bin/env bash
# Guess: A table made of rows that are dicts has a column for each key, as pandas makes it, with nulls where a row
# lacks it.
# Instead: Table.from_pylist takes the columns of the first row. A key that comes later, an optional field or the
# one row with an error, is left out without a word; what is written to Parquet does not have it. RecordBatch does
# the same.
# Do: Pass the schema, or fill the first row with None for all keys.
# Versions: pyarrow 26.0.1 pandas 3.1.1
# Output seen:
#   pyarrow 26.0.1 pandas 3.1.1
#   {'Table': ['id'], 'RecordBatch': ['id'], 'array of structs': ['id', 'error'], 'pandas': ['id', 'error']}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pyarrow==26.0.1 pandas==3.1.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import pandas as pd
import pyarrow as pa

print("pyarrow", pa.__version__, "pandas", pd.__version__)
rows = [{"id": 1}, {"id": 2, "error": "no such picture"}]
seen = {
    "Table": pa.Table.from_pylist(rows).column_names,
    "RecordBatch": pa.RecordBatch.from_pylist(rows).schema.names,
    "array of structs": [field.name for field in pa.array(rows).type],
    "pandas": list(pd.DataFrame(rows).columns),
}
print(seen)
assert seen == {
    "Table": ["id"],
    "RecordBatch": ["id"],
    "array of structs": ["id", "error"],
    "pandas": ["id", "error"],
}
PYTHON
