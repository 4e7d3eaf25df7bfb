#!/usr/bin/env bash
# Guess: A journal whose last line was cut by a killed process is either refused or goes on without it.
# Instead: It loads, as if all were well; the next trial fails with an AttributeError about an
# internal name, and its line is glued to the cut one: from then on the study can't be opened.
# Do: Cut the file back to its last line feed before opening it, or keep the study in a database.
# Versions: optuna 5.0.0
# Output seen:
#   optuna 5.0.0
#   [3, 'AttributeError', 'JSONDecodeError', 'JSONDecodeError']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" optuna==5.0.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import pathlib

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

print("optuna", optuna.__version__)
optuna.logging.set_verbosity(optuna.logging.ERROR)
journal = pathlib.Path("study.log")


def storage():
    return JournalStorage(JournalFileBackend(str(journal)))


def objective(trial):
    return trial.suggest_float("x", 0, 1)


def outcome(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__


optuna.create_study(study_name="s", storage=storage()).optimize(objective, n_trials=3)
journal.write_bytes(journal.read_bytes()[:-10])
seen = [outcome(lambda: len(optuna.load_study(study_name="s", storage=storage()).trials))]
for _ in range(2):
    study = optuna.load_study(study_name="s", storage=storage())
    seen.append(outcome(lambda: study.optimize(objective, n_trials=1)))
seen.append(outcome(lambda: optuna.load_study(study_name="s", storage=storage())))
print(seen)
assert seen == [3, "AttributeError", "JSONDecodeError", "JSONDecodeError"]
PYTHON
