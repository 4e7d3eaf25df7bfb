#!/usr/bin/env bash
# Guess: A text column that a data set is partitioned by comes back as it was written: write_to_dataset, read_table.
# Instead: Its type is guessed from the folders' names: if all look like whole numbers it becomes one, and "007" is 7.
# One more value that is no number, and it is text again: the same column changes its type, and its values, with the
# rows that a file happens to have. An encoder that learned the texts knows none of the numbers.
# Do: Read with pyarrow.dataset.partitioning(schema, flavor="hive"), the types given.
# Versions: pyarrow 26.0.1
# Output seen:
#   pyarrow 26.0.1
#   007, 010: [7, 10]; 007, 010, A1: ['007', '010', 'A1']; 007, 010 with the type given: ['007', '010']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pyarrow==26.0.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

print("pyarrow", pa.__version__)


def read_back(codes, folder, **options):
    table = pa.table({"code": codes, "x": list(range(len(codes)))})
    pq.write_to_dataset(table, folder, partition_cols=["code"])
    return pq.read_table(folder, **options).sort_by("x")["code"].to_pylist()


numbers, mixed = read_back(["007", "010"], "a"), read_back(["007", "010", "A1"], "b")
typed = ds.partitioning(pa.schema([("code", pa.string())]), flavor="hive")
given = read_back(["007", "010"], "c", partitioning=typed)
print(f"007, 010: {numbers}; 007, 010, A1: {mixed}; 007, 010 with the type given: {given}")
assert numbers == [7, 10]
assert mixed == ["007", "010", "A1"]
assert given == ["007", "010"]
PYTHON
