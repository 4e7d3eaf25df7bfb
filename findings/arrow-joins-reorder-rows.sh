#!/usr/bin/env bash
# Guess: A left join gives the left table's rows in their order, with what the right one has for each, as pandas'
# merge does.
# Instead: pyarrow gives the rows that have a partner first, then the others: what was beside the table by
# position, scores say, belongs to other rows. And null is no partner of null, as in SQL; in pandas it is.
# Do: Join by a key that stays in the table, and sort by it after; fill nulls before, where they should meet.
# Versions: pyarrow 26.0.1 pandas 3.1.1
# Output seen:
#   pyarrow 26.0.1 pandas 3.1.1
#   pyarrow: ids [1, 3, 5, 0, 2, 4], label of null: None
#   pandas: ids [0, 1, 2, 3, 4, 5], label of null: 'none'
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
rows = pa.table({"id": [0, 1, 2, 3, 4, 5], "word": list("abcdef")})
some = pa.table({"id": [5, 3, 1], "label": ["x", "y", "z"]})
unknown = pa.table({"id": [None, 7], "label": ["none", "seven"]})
nulls = pa.table({"id": pa.array([None], pa.int64())})


def by_pandas(left, right):
    return pa.Table.from_pandas(left.to_pandas().merge(right.to_pandas(), on="id", how="left"))


seen = {}
for name, join in (("pyarrow", lambda left, right: left.join(right, "id")), ("pandas", by_pandas)):
    ids = [int(number) for number in join(rows, some)["id"].to_pylist()]
    seen[name] = [ids, join(nulls, unknown)["label"].to_pylist()[0]]
    print(f"{name}: ids {ids}, label of null: {seen[name][1]!r}")
assert sorted(seen["pyarrow"][0]) == seen["pandas"][0] == [0, 1, 2, 3, 4, 5]
assert seen["pyarrow"][0] != [0, 1, 2, 3, 4, 5]
assert (seen["pyarrow"][1], seen["pandas"][1]) == (None, "none")
PYTHON
