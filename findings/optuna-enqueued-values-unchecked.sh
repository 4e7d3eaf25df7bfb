#!/usr/bin/env bash
# Guess: enqueue_trial() refuses what the search can't suggest: an unknown name, or a value out of range.
# Instead: An unknown name is left out with no word, so a random point is tried in place of the one that was
# meant; a number out of range is tried, with a warning only, and can win.
# Do: Compare the names and values with the ranges before they are enqueued.
# Versions: optuna 5.0.0
# Output seen:
#   optuna 5.0.0
#   meant {'rate': 0.01}: tried ['learning_rate']; best of all {'learning_rate': 5.0}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" optuna==5.0.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import warnings

import optuna

print("optuna", optuna.__version__)
warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
study.enqueue_trial({"rate": 0.01})
study.enqueue_trial({"learning_rate": 5.0})
study.optimize(lambda trial: trial.suggest_float("learning_rate", 0, 1), n_trials=4)
tried = study.trials[0].params
print("meant {'rate': 0.01}: tried", list(tried), end="; ")
print("best of all", study.best_params)
assert list(tried) == ["learning_rate"] and tried["learning_rate"] != 0.01
assert study.best_params == {"learning_rate": 5.0}
PYTHON
