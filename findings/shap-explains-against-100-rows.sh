#!/usr/bin/env bash
# Guess: shap compares a row with the background that it is given: base_values is the model's mean over it.
# Instead: An array of more than 100 rows becomes a masker that draws 100 of them without a word (Independent's
# max_samples). The base value, and with it the attributions, are off by what was drawn. The
# draw is of row numbers, so the same rows in another order give other explanations: here 2 and 14 % from the mean.
# KernelExplainer takes all rows.
# Do: shap.maskers.Independent(rows, max_samples=len(rows)), or one row that is chosen on purpose.
# Versions: shap 0.51.0 numpy 2.4.6
# Output seen:
#   shap 0.51.0 numpy 2.4.6
#   mean over 1,000 rows 4.877; base value 4.793, of the same rows sorted 4.196
#   KernelExplainer 4.877; with max_samples=1000 4.877
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" shap==0.51.0 numpy==2.4.6
cd "$folder"

venv/bin/python - <<'PYTHON' 2>messages || { cat messages >&2; exit 1; }
import numpy as np
import shap

print("shap", shap.__version__, "numpy", np.__version__)

rows = np.random.default_rng(0).normal(size=(1000, 4))
rows[:500, 0] += 10


def model(given):
    return given @ np.array([1.0, 2.0, 3.0, 4.0])


def base(background):
    return shap.Explainer(model, background)(rows[:2]).base_values[0]


mean, plain, of_sorted = model(rows).mean(), base(rows), base(rows[np.argsort(rows[:, 0])])
kernel = shap.KernelExplainer(model, rows).expected_value
whole = base(shap.maskers.Independent(rows, max_samples=len(rows)))
print(f"mean over 1,000 rows {mean:.3f}; base value {plain:.3f}, of the same rows sorted {of_sorted:.3f}")
print(f"KernelExplainer {kernel:.3f}; with max_samples=1000 {whole:.3f}")

assert abs(plain - mean) > 0.05 and abs(of_sorted - plain) > 0.3, "all rows are taken"
assert np.isclose([kernel, whole], mean).all()
PYTHON
