#!/usr/bin/env bash
# Guess: A date too far for nanoseconds (9999-12-31 in INT96, as Spark writes it) is refused or null.
# Instead: It wraps into a likely date in 1816 with no word; without pandas installed,
# to_pylist() raises for this date instead, so the same program differs by what else is in its environment.
# Do: Read with coerce_int96_timestamp_unit="us".
# Versions: pyarrow 26.0.1 pandas 3.1.1
# Output seen:
#   pyarrow 26.0.1
#   1816-03-29 05:56:08.066277376 | 9999-12-31 00:00:00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pyarrow==26.0.1 pandas==3.1.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import datetime

import pyarrow as pa
import pyarrow.parquet as pq

print("pyarrow", pa.__version__)
last = datetime.datetime(9999, 12, 31)
table = pa.table({"t": pa.array([last], pa.timestamp("us"))})
pq.write_table(table, "t.parquet", use_deprecated_int96_timestamps=True)
default = pq.read_table("t.parquet")["t"][0].as_py()
coerced = pq.read_table("t.parquet", coerce_int96_timestamp_unit="us")["t"][0].as_py()
print(default, "|", coerced)
assert default.year == 1816
assert coerced == last
PYTHON
