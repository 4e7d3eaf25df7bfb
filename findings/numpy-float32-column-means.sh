#!/usr/bin/env bash
# Guess: numpy sums in pairs, so the mean of float32 values is right to some six digits.
# Instead: It does so only along the axis that lies together in memory. Down the columns of a table each value
# is added to one float32: from 2**24 rows on ones are lost altogether, and means are off by 4% far earlier.
# Do: Pass dtype=np.float64 to mean() and std(), as the project does where it measures columns to scale them.
# Versions: numpy 2.4.6
# Output seen:
#   numpy 2.4.6
#   4 million rows of 0.1: 0.0961, deviation 0.0039; one column of them: 0.1, 0.0
#   20 million rows of 1: 0.8389; one column of them: 1.0; as float64: 1.0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" numpy==2.4.6
cd "$folder"

venv/bin/python - <<'PYTHON'
import numpy as np

print("numpy", np.__version__)
tenths = np.full((4_000_000, 2), 0.1, np.float32)
ones = np.ones((20_000_000, 2), np.float32)


def rounded(value):
    return round(float(value), 4)


mean, deviation = rounded(tenths.mean(axis=0)[0]), rounded(tenths.std(axis=0)[0])
column = np.ascontiguousarray(tenths[:, 0])
alone = rounded(column.mean()), rounded(column.std())
print(f"4 million rows of 0.1: {mean}, deviation {deviation}; one column of them: {alone[0]}, {alone[1]}")
counted = [rounded(ones.mean(axis=0)[0]), rounded(ones[:, 0].copy().mean())]
counted.append(rounded(ones.mean(axis=0, dtype=np.float64)[0]))
print(f"20 million rows of 1: {counted[0]}; one column of them: {counted[1]}; as float64: {counted[2]}")
assert (mean, deviation) == (0.0961, 0.0039)
assert alone == (0.1, 0.0)
assert counted == [0.8389, 1.0, 1.0]
PYTHON
