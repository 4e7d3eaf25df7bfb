#!/usr/bin/env bash
# Guess: shuffle(n, seed=1) fixes the order, so take() and skip() of it split rows into training and validation.
# Instead: The seed fixes a row of orders, another for each pass. Each epoch splits anew: after a few the model
# has been trained on the rows that it is validated on, and overfitting doesn't show.
# Do: Split before shuffling (the project splits by row numbers), or pass reshuffle_each_iteration=False.
# Versions: tensorflow 2.21.0
# Output seen:
#   tensorflow 2.21.0
#   validation rows of 3 epochs that were trained on: [15, 18, 18] of 20; fixed: [0, 0, 0]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" tensorflow==2.21.0
cd "$folder"

TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import tensorflow as tf

print("tensorflow", tf.__version__)


def seen(**settings):
    shuffled = tf.data.Dataset.range(100).shuffle(100, seed=1, **settings)
    training, validation = shuffled.take(80), shuffled.skip(80)
    trained, counts = set(), []
    for _ in range(3):
        trained |= set(training.as_numpy_iterator())
        counts.append(len(trained & set(validation.as_numpy_iterator())))
    return counts


mixed, fixed = seen(), seen(reshuffle_each_iteration=False)
print(f"validation rows of 3 epochs that were trained on: {mixed} of 20; fixed: {fixed}")
assert min(mixed) > 5
assert fixed == [0, 0, 0]
PYTHON
