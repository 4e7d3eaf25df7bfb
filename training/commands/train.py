"""`plumbline train` and `plumbline tune`: thin shells around `training.jobs` and `training.tuning`."""

import dataclasses
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.process.quiet_import import quiet_import
from training.errors import DataUnavailable
from training.jobs.exits import reporting_errors

if TYPE_CHECKING:
    from training.jobs.training_job import Job

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
MAX_SEED = 2**31 - 1
"""NumPy's generators take one bit more, TensorFlow's operations do not."""
PROTOCOLS = ("holdout", "kfold", "repeated-kfold", "time-ordered")

TRAIN_EXAMPLES = """\b
Examples:
  plumbline train sentiment
  plumbline train all --missing --or-sample
  plumbline train digits --data-dir ~/data --seed 7
  plumbline train house_price --protocol repeated-kfold --folds 4 --repeats 3
  plumbline train sentiment --recipe baseline --set dropout=0.5 --set units=32,32
  plumbline train house_price --dataset california
  plumbline train churn --tasks mycompany.tasks
  plumbline train topic --metrics-file /var/lib/node_exporter/topic.prom
"""
TUNE_EXAMPLES = """\b
Examples:
  plumbline tune house_price --trials 30
  plumbline tune topic --search dropout=0..0.6 --search units=64,64/128,128 --set epochs=12
  plumbline tune digits --data-dir ~/data --output digits.json
  plumbline train digits --data-dir ~/data --recipe digits.json
"""

_OPTIONS = (
    click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Change a setting of the recipe."),
    click.option("--protocol", type=click.Choice(PROTOCOLS), help="How to validate, instead of the task's own way."),
    click.option("--folds", type=click.IntRange(2), help="For kfold and repeated-kfold."),
    click.option("--repeats", type=click.IntRange(1), help="For repeated-kfold."),
    click.option("--share", type=click.FloatRange(0, 1, True, True), help="For holdout and time-ordered."),
    click.option(
        "--data-dir",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar="PLUMBLINE_DATA",
        help="Local copies of data sets: mnist.npz, cats_and_dogs/. Without it, Keras downloads them.",
    ),
    click.option("--dataset", metavar="NAME", help="Another data set of the model, such as california of house_price."),
    click.option("--sample", is_flag=True, help="Take the small built-in sample: quick, and no good for real use."),
    click.option(
        "--seed",
        type=click.IntRange(0, MAX_SEED),
        default=1,
        show_default=True,
        help="For all chance: splits, weights, shuffling, search.",
    ),
    click.option("--precision", type=click.Choice(PRECISIONS), default="float32", show_default=True, help="Of layers."),
    click.option("--jit-compile", is_flag=True, help="Have XLA compile the training steps: pays on a GPU."),
    click.option("--tasks", default="training.tasks", show_default=True, help="The Python package of the tasks."),
)


def _training_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(epilog=TRAIN_EXAMPLES)
@click.argument("model")
@click.option("--recipe", help="One of the model's recipes, or a file of `tune`.  [default: the best]")
@_training_options
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
    envvar="PLUMBLINE_REPORTS",
    help="Where each run's report.html, plots, metrics.json and TensorBoard logs go.",
)
@click.option(
    "--compare/--no-compare", "compares", default=True, help="Whether the report has the plainer recipes too."
)
@click.option(
    "--metrics-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to tell Prometheus how the run went: a file ending in .prom for the node exporter to collect.",
)
@click.option(
    "--replace-incomparable",
    is_flag=True,
    help="Publish even where the live version can't answer the same test rows, so that nobody knows which is better.",
)
@click.option("--or-sample", is_flag=True, help="Take the sample where the real data can't be had.")
@click.option("--missing", is_flag=True, help="Leave models alone that have a version already.")
def train(model: str, or_sample: bool, missing: bool, tasks: str, metrics_file: Path | None, **options: Any) -> None:
    """Train MODEL, or "all", and publish it as a new version with its contract.

    A job that was ended goes on where it was when the same command is given again; one that has published does nothing.
    """
    with reporting_errors():  # from the start: the first process of a container is deaf to SIGTERM until it handles it
        _prepare()
        from training.execution.distribution import is_chief
        from training.jobs.run_metrics import telling_metrics
        from training.publishing.publish import versions
        from training.report.tracking import is_tracking
        from training.task import task_names

        is_tracking()  # says what is missing before anything is trained
        options = _made(**options)
        for name in task_names(tasks) if model == "all" else [model]:
            if missing and (published := versions(options["models_dir"], name)):
                click.echo(f"{name}: version {published[-1]} is there")
                continue
            # Of several workers each trains, but one tells.
            with telling_metrics(metrics_file if is_chief(options["strategy"]) else None, name) as told:
                folder = _run(_job(name, tasks, **options, on_trained=told.trained), or_sample)
                if folder:
                    told.published(folder)
            if folder:
                click.echo(f"{name}: published {folder}")


@click.command(epilog=TUNE_EXAMPLES)
@click.argument("model")
@click.option("--recipe", help="Which of the model's recipes to improve.  [default: the best]")
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="How many, with earlier ones.")
@click.option("--search", "ranges", multiple=True, metavar="NAME=RANGE", help="LOW..HIGH, LOW..HIGH:log, or A/B/C.")
@_training_options
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The recipe file, and, with .study at its end, what is known so far.  [default: MODEL.json]",
)
def tune(model: str, trials: int, ranges: tuple[str, ...], output: Path | None, tasks: str, **options: Any) -> None:
    """Search settings of MODEL's recipe that validate better, and write a file that `train --recipe` takes.

    Each trial validates the recipe by the task's protocol, and none looks at the test rows. Before the first, the
    recipe is validated as it is. A search that was ended goes on when the same command is given again.
    """
    with reporting_errors():
        _prepare()
        from training.tuning.search import search

        search(
            _job(model, tasks, models_dir=Path(), **_made(**options)), ranges, trials, output or Path(f"{model}.json")
        )


def _made(*, protocol: str | None, folds: int | None, repeats: int | None, share: float | None, **options: Any) -> Any:
    """Make objects of the options' words."""
    import keras

    from training.execution.distribution import strategy
    from training.validation import make_protocol

    options["strategy"] = strategy()
    keras.config.set_dtype_policy(options.pop("precision"))
    return options | {"protocol": make_protocol(protocol, folds=folds, repeats=repeats, share=share)}


def _job(
    name: str, tasks: str, dataset: str | None, recipe: str | None, overrides: tuple[str, ...], **options: Any
) -> "Job":
    from training.jobs.training_job import Job
    from training.task import find_task
    from training.tuning.recipe_file import is_recipe_file, read_recipe_file

    task = find_task(name, tasks).on(dataset)
    recipe = recipe or [*task.recipes][-1]
    if is_recipe_file(recipe):
        recipe, found = read_recipe_file(Path(recipe), name)
        overrides = (*found, *overrides)
    return Job(name, task, recipe, overrides=overrides, say=click.echo, tasks=tasks, **options)


def _run(job: "Job", or_sample: bool) -> Path | None:
    from training.jobs.training_job import run

    try:
        return run(job)
    except DataUnavailable as error:
        if not or_sample:
            raise
        click.echo(f"{job.name}: {error}", err=True)
        click.echo(f"{job.name}: USING THE BUILT-IN SAMPLE INSTEAD. What this model answers means nothing.", err=True)
        return run(dataclasses.replace(job, sample=True))


def _prepare() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported, which is why that waits
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # a fold is a new model, which it calls retracing
    with quiet_import():
        import tensorflow  # noqa: F401 - what needs it is imported in each command
    sys.path.insert(0, os.getcwd())  # so that --tasks finds a package that lies here, as `python -m` would
