#!/usr/bin/env bash
# Guess: create_study(direction="maximize", load_if_exists=True) refuses a study that minimises.
# Instead: It takes the study as it is, with no word: after a change from a loss to an accuracy under the
# same name, best_trial is the worst, and the sampler goes on looking for still worse ones.
# Do: Compare study.direction with what was asked, or put all that a study depends on into its name, as the
# project does.
# Versions: optuna 5.0.0
# Output seen:
#   optuna 5.0.0
#   MINIMIZE best 0.4237 of [0.5488, 0.7152, 0.6028, 0.5449, 0.4237]
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
optuna.logging.set_verbosity(optuna.logging.WARNING)
storage = optuna.storages.InMemoryStorage()
sampler = optuna.samplers.RandomSampler(seed=0)
study = optuna.create_study(study_name="digits", storage=storage, sampler=sampler, direction="minimize")
study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=5)
loaded = optuna.create_study(study_name="digits", storage=storage, direction="maximize", load_if_exists=True)
values = [round(trial.value, 4) for trial in loaded.trials]
print(loaded.direction.name, "best", round(loaded.best_value, 4), "of", values)
assert loaded.direction.name == "MINIMIZE"
assert round(loaded.best_value, 4) == min(values) < max(values)
PYTHON
