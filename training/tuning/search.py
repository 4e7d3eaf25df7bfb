"""The search of `plumbline tune`, by Optuna.

Optuna rather than KerasTuner, because it is independent of Keras, so that recipes stay plain dataclasses, and because
its studies are files, from which a killed search can resume and which several processes may share.
"""

import contextlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from training.errors import BadRequest
from training.execution.execution import Execution
from training.experiments.evaluation import Experiment
from training.experiments.overrides import override
from training.experiments.record import metrics_of
from training.fitting.fit import Diverged
from training.jobs.training_job import Job
from training.publishing.provenance import fingerprint
from training.task import Recipe
from training.tuning.ranges import Range, make_ranges
from training.tuning.recipe_file import write_recipe_file
from training.validation import NoValidation

UNCHANGED = "as it is"
"""Key of the unchanged recipe's metric. It is not a trial, because its settings may lie outside the ranges."""

CHOSEN = "settings"


def search(job: Job, wanted: Sequence[str], trials: int, output: Path) -> None:
    """Run trials until there are *trials* in total, and keep the best settings in the recipe file *output*.

    Raises TrainingError.
    """
    if isinstance(job.validation, NoValidation):
        raise BadRequest("--protocol none: a search needs validation rows, to choose by")
    recipe = job.recipe()
    ranges = make_ranges(recipe, wanted, fixed=[assignment.partition("=")[0] for assignment in job.overrides])
    data = job.load()
    execution = Execution(job.seed, job.jit_compile, job.strategy)
    experiment = Experiment(job.name, job.task, data, execution, job.say)
    study = _study(job, recipe, ranges, data.sha256(), output)

    def measure(tried: Recipe) -> float:
        try:
            return float(metrics_of(experiment.validate(tried, job.validation).folds).mean())
        except Diverged as error:  # others may learn
            job.say(f"{job.name}: {error}")
            return math.nan

    if UNCHANGED not in study.user_attrs:
        study.set_user_attr(UNCHANGED, measure(recipe))
    _keep_best(job, study, output)
    while (done := len(_finished(study))) < trials:
        trial = study.ask()
        chosen = {each.name: each.suggest(trial) for each in ranges}
        trial.set_user_attr(CHOSEN, chosen)
        job.say(f"{job.name}: trial {done + 1} of {trials}: {_written(chosen)}")
        value = measure(override(recipe, _assignments(chosen)))
        diverged = not math.isfinite(value)
        study.tell(trial, None if diverged else value, TrialState.FAIL if diverged else TrialState.COMPLETE)
        _keep_best(job, study, output)


def _study(job: Job, recipe: Recipe, ranges: Sequence[Range], data_sha256: str, output: Path) -> optuna.Study:
    """Open the study of exactly this search; the file may contain others. Raises BadRequest."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = str(output) + ".study"
    facts = [job.name, repr(recipe), repr(ranges), repr(job.validation), data_sha256, job.seed]
    facts.append(job.code.sha256)  # results of other code are not comparable
    try:
        _cut_unfinished_line(path)
        study = optuna.create_study(
            study_name=fingerprint({"search": facts}),
            storage=optuna.storages.JournalStorage(JournalFileBackend(path, JournalFileOpenLock(path))),
            direction="maximize" if job.task.main.problem.higher_is_better else "minimize",
            load_if_exists=True,
        )
    except OSError as error:
        raise BadRequest(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(f"{path}: not a study ({error!r}); remove the file to start a new one") from error
    # With the same seed, the sampler of a resumed search would repeat its suggestions: hence the number of trials.
    study.sampler = optuna.samplers.TPESampler(seed=job.seed * 10_007 + len(study.trials))
    return study


def _cut_unfinished_line(path: str) -> None:
    """Remove the incomplete last line that a killed process may leave, which Optuna can't read."""
    lock = JournalFileOpenLock(path)
    lock.acquire()
    try:
        with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
            whole = file.read().rpartition(b"\n")
            file.truncate(len(whole[0]) + len(whole[1]))
    finally:
        lock.release()


def _finished(study: optuna.Study) -> list[Any]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.FAIL))


def _keep_best(job: Job, study: optuna.Study, output: Path) -> None:
    """Print the best result so far, and write its recipe file."""
    problem, unchanged = job.task.main.problem, study.user_attrs[UNCHANGED]
    best, settings, description = unchanged, {}, "the unchanged recipe"
    if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        found = study.best_trial
        if (found.value > unchanged) == problem.higher_is_better:
            best, settings, description = found.value, found.user_attrs[CHOSEN], _written(found.user_attrs[CHOSEN])
    job.say(f"{job.name}: best validation {problem.metric} {best:.4f} (unchanged: {unchanged:.4f}): {description}")
    measured = {"metric": problem.metric, "validation": best, UNCHANGED: unchanged, "trials": len(_finished(study))}
    fixed = dict(assignment.split("=", 1) for assignment in job.overrides)
    write_recipe_file(output, job.name, job.recipe_name, fixed | settings, measured)


def _assignments(chosen: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in chosen.items()]


def _written(chosen: Mapping[str, str]) -> str:
    return " ".join(_assignments(chosen))
