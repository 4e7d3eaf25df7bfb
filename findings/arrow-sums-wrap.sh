#!/usr/bin/env bash
# Guess: pyarrow raises where an integer doesn't fit, since its casts do.
# Instead: Only casts do. Sums, products and abs() go round with no word; the names that end in _checked
# raise, but sum() has none: the total of a column of nanoseconds turns negative.
# Do: Take the last of cumulative_sum_checked(), or check the result's range, as the project does with local times.
# Versions: pyarrow 26.0.1
# Output seen:
#   pyarrow 26.0.1
#   {'cast': 'ArrowInvalid', 'add': [-56], 'add_checked': 'ArrowInvalid', 'abs': [-128], 'sum': -9223372036854775808}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" pyarrow==26.0.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import pyarrow as pa
import pyarrow.compute as pc

print("pyarrow", pa.__version__)
small, smallest = pa.array([100], pa.int8()), pa.array([-128], pa.int8())


def outcome(action):
    try:
        return action()
    except pa.ArrowInvalid as error:
        return type(error).__name__


seen = {
    "cast": outcome(lambda: pa.array([200]).cast(pa.int8())),
    "add": outcome(lambda: pc.add(small, small).to_pylist()),
    "add_checked": outcome(lambda: pc.add_checked(small, small).to_pylist()),
    "abs": outcome(lambda: pc.abs(smallest).to_pylist()),
    "sum": outcome(lambda: pc.sum(pa.array([2**62, 2**62])).as_py()),
}
print(seen)
assert seen == {"cast": "ArrowInvalid", "add": [-56], "add_checked": "ArrowInvalid", "abs": [-128], "sum": -(2**63)}
PYTHON
