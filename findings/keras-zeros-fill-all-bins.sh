#!/usr/bin/env bash
# Guess: Discretization(num_bins=4) that adapted to a column of mostly zeros has a bin for these and others for the
# rest.
# Instead: Its borders are quantiles, of which all three are 0 where nine in ten values are. Each value from 0 on is
# in the last bin: the column, such as an amount that most rows have not, says nothing any more, and nothing is told.
# Do: Give bin_boundaries, or adapt to the values that are not 0, and have 0 as a bin of its own.
# Versions: tensorflow 2.21.0 keras 3.15.1
# Output seen:
#   keras 3.15.1 tensorflow 2.21.0
#   borders [0.0, 0.0, 0.0]: bins of all values [3]; with a border of its own for 0: [0, 1, 2, 3]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0 keras==3.15.1
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import keras
import numpy as np
import tensorflow as tf

print("keras", keras.__version__, "tensorflow", tf.__version__)

amounts = np.array([0.0] * 90 + [float(amount) for amount in range(1, 11)])
adapted = keras.layers.Discretization(num_bins=4)
adapted.adapt(amounts)
apart = keras.layers.Discretization(num_bins=3)
apart.adapt(amounts[amounts > 0])
given = keras.layers.Discretization(bin_boundaries=[0.5, *apart.bin_boundaries])


def bins(layer):
    return sorted({int(place) for place in layer(amounts)})


borders = [round(float(border), 3) for border in adapted.bin_boundaries]
print(f"borders {borders}: bins of all values {bins(adapted)}; with a border of its own for 0: {bins(given)}")
assert borders == [0.0, 0.0, 0.0]
assert bins(adapted) == [3]
assert len(bins(given)) >= 3
PYTHON
