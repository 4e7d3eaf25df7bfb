"""`plumbline train`: a thin shell around `training.job`."""

import dataclasses
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from training.errors import DataUnavailable, TrainingError

if TYPE_CHECKING:
    from training.job import Job

PROTOCOLS = ("holdout", "kfold", "repeated-kfold", "time-ordered")

EPILOG = """\b
Examples:
  plumbline train sentiment
  plumbline train all --missing --or-sample
  plumbline train digits --data-dir ~/data --seed 7
  plumbline train house_price --protocol repeated-kfold --folds 4 --repeats 3
  plumbline train sentiment --set dropout=0.5 --set units=32,32
  plumbline train churn --tasks mycompany.tasks
"""


@click.command(epilog=EPILOG)
@click.argument("model")
@click.option("--recipe", default="baseline", show_default=True, help="Which of the model's recipes to train.")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Change a setting of the recipe.")
@click.option("--protocol", type=click.Choice(PROTOCOLS), help="How to validate, instead of the task's own way.")
@click.option("--folds", type=click.IntRange(2), help="For kfold and repeated-kfold.")
@click.option("--repeats", type=click.IntRange(1), help="For repeated-kfold.")
@click.option("--share", type=click.FloatRange(0, 1, True, True), help="For holdout and time-ordered.")
@click.option(
    "--models-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="models",
    show_default=True,
    envvar="PLUMBLINE_MODELS",
    help="Where versions are published.",
)
@click.option(
    "--reports-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="reports",
    show_default=True,
    help="Where each run's report.html, plots, metrics.json and TensorBoard logs go.",
)
@click.option(
    "--data-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="PLUMBLINE_DATA",
    help="Local copies of data sets: mnist.npz, cats_and_dogs/. Without it, Keras downloads them.",
)
@click.option("--sample", is_flag=True, help="Train on the small built-in sample: quick, and no good for real use.")
@click.option("--or-sample", is_flag=True, help="Take the sample where the real data can't be had.")
@click.option("--missing", is_flag=True, help="Leave models alone that have a version already.")
@click.option("--seed", default=1, show_default=True, help="For splits, weights and shuffling.")
@click.option("--tasks", default="training.tasks", show_default=True, help="The Python package of the tasks.")
def train(
    model: str,
    recipe: str,
    overrides: tuple[str, ...],
    protocol: str | None,
    folds: int | None,
    repeats: int | None,
    share: float | None,
    models_dir: Path,
    reports_dir: Path,
    data_dir: Path | None,
    sample: bool,
    or_sample: bool,
    missing: bool,
    seed: int,
    tasks: str,
) -> None:
    """Train MODEL, or "all", and publish it as a new version with its contract."""
    _quieten_tensorflow()
    sys.path.insert(0, os.getcwd())  # so that --tasks finds a package that lies here, as `python -m` would
    from training.job import Job
    from training.protocols import make_protocol
    from training.publishing import versions
    from training.task import find_task, task_names

    try:
        own = make_protocol(protocol, folds=folds, repeats=repeats, share=share)
        for name in task_names(tasks) if model == "all" else [model]:
            if missing and (published := versions(models_dir, name)):
                click.echo(f"{name}: version {published[-1]} is there")
                continue
            task = find_task(name, tasks)
            job = Job(name, task, recipe, models_dir, data_dir, sample, seed, click.echo, overrides, own, reports_dir)
            click.echo(f"{name}: published {_run(job, or_sample)}")
    except TrainingError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from error


def _run(job: "Job", or_sample: bool) -> Path:
    from training.job import run

    try:
        return run(job)
    except DataUnavailable as error:
        if not or_sample:
            raise
        click.echo(f"{job.name}: {error}", err=True)
        click.echo(f"{job.name}: USING THE BUILT-IN SAMPLE INSTEAD. What this model answers means nothing.", err=True)
        return run(dataclasses.replace(job, sample=True))


def _quieten_tensorflow() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported, which is why that waits
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # a fold is a new model, which it calls retracing
