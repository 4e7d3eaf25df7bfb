#!/usr/bin/env bash
# Guess: read_parquet gives whole numbers of 64 bits as they are in the file.
# Instead: Where one value is missing the column becomes float64, which has whole numbers up to 2**53 only: an id
# above that is another id, and joins to another row, or to none. Without the gap the same id is right.
# Do: read_parquet(path, dtype_backend="pyarrow") or "numpy_nullable".
# Versions: pandas 3.1.1 pyarrow 26.0.1
# Output seen:
#   pandas 3.1.1 pyarrow 26.0.1
#   id 9007199254740993 alone: ('int64', 9007199254740993); beside a missing one: ('float64', 9007199254740992);
#   with the backend pyarrow: ('int64[pyarrow]', 9007199254740993)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pandas==3.1.1 pyarrow==26.0.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

print("pandas", pd.__version__, "pyarrow", pa.__version__)
ID = 2**53 + 1


def read_back(values, **options):
    pq.write_table(pa.table({"id": pa.array(values, pa.int64())}), "ids.parquet")
    column = pd.read_parquet("ids.parquet", **options)["id"]
    return str(column.dtype), int(column[0])


whole, gap = read_back([ID, 1]), read_back([ID, None])
kept = read_back([ID, None], dtype_backend="pyarrow")
print(f"id {ID} alone: {whole}; beside a missing one: {gap}; with the backend pyarrow: {kept}")
assert whole == ("int64", ID)
assert gap == ("float64", ID - 1)
assert kept[1] == ID
PYTHON
