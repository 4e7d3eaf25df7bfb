#!/usr/bin/env bash
# Guess: A study resumed with the same seeded sampler goes on where it stopped: 3 + 3 trials are the 6 of one run.
# Instead: The seed starts anew: the resumed trials try the very points that the study holds already.
# Do: Derive the seed from the number of trials in the study. Each resumption wasted its first trials.
# Versions: optuna 5.0.0
# Output seen:
#   optuna 5.0.0
#   straight [0.5488, 0.7152, 0.6028, 0.5449, 0.4237, 0.6459]
#   resumed  [0.5488, 0.7152, 0.6028, 0.5488, 0.7152, 0.6028]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" optuna==5.0.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import optuna

print("optuna", optuna.__version__)
optuna.logging.set_verbosity(optuna.logging.ERROR)


def points(counts):
    storage = optuna.storages.InMemoryStorage()
    for count in counts:
        study = optuna.create_study(
            study_name="s", storage=storage, load_if_exists=True, sampler=optuna.samplers.TPESampler(seed=0)
        )
        study.optimize(lambda trial: (trial.suggest_float("x", 0, 1) - 0.3) ** 2, n_trials=count)
    return [round(trial.params["x"], 4) for trial in study.trials]


straight, resumed = points([6]), points([3, 3])
print("straight", straight)
print("resumed ", resumed)
assert len(set(straight)) == 6
assert resumed[3:] == resumed[:3] == straight[:3]
PYTHON
