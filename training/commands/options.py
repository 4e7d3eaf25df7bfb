"""What the commands share: options, and the job that those of `plumbline train` and `plumbline tune` describe."""

import contextlib
import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.process.quiet_import import quiet_import
from training.execution.lean_import import lean_import

if TYPE_CHECKING:
    from training.jobs.training_job import Job
    from training.task import Task

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
MAX_SEED = 2**31 - 1
"""NumPy's generators take one bit more, TensorFlow's operations do not."""
PROTOCOLS = ("holdout", "kfold", "repeated-kfold", "time-ordered", "none")
"""Names of the validation strategies, listed here because importing them takes seconds."""

models_dir_option = click.option(
    "--models-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="models",
    show_default=True,
    envvar="PLUMBLINE_MODELS",
    help="Folder where versions are published.",
)
"""Of the commands that publish."""

_OPTIONS = (
    click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Setting of the recipe to change."),
    click.option(
        "--protocol",
        type=click.Choice(PROTOCOLS),
        help="Validation strategy, instead of the task's own; with none, the recipe is trained once, on all rows.",
    ),
    click.option("--folds", type=click.IntRange(2), help="Number of folds, for kfold and repeated-kfold."),
    click.option("--repeats", type=click.IntRange(1), help="Number of repeats, for repeated-kfold."),
    click.option(
        "--share",
        type=click.FloatRange(0, 1, True, True),
        help="Share of validation rows, for holdout and time-ordered.",
    ),
    click.option(
        "--data-dir",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar="PLUMBLINE_DATA",
        help="Folder with local copies of data sets: mnist.npz, cats_and_dogs/. Without it, Keras downloads them.",
    ),
    click.option("--dataset", metavar="NAME", help="Another data set of the model, such as california of house_price."),
    click.option("--sample", is_flag=True, help="Use the small built-in sample: quick, but not for real use."),
    click.option(
        "--seed",
        type=click.IntRange(0, MAX_SEED),
        default=1,
        show_default=True,
        help="Seed of everything random: splits, initial weights, shuffling, search.",
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default="float32",
        show_default=True,
        help="Numeric precision of the layers.",
    ),
    click.option("--jit-compile", is_flag=True, help="Compile the training steps with XLA, which pays off on a GPU."),
    click.option("--tasks", default="training.tasks", show_default=True, help="Python package of the tasks."),
)


def training_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that both commands share to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextlib.contextmanager
def finding_tasks_here() -> Iterator[None]:
    """Let `--tasks` find packages in the working directory before TensorFlow is imported, which must not."""
    sys.path.insert(0, os.getcwd())
    try:
        yield
    finally:
        sys.path.remove(os.getcwd())


def import_tensorflow() -> None:
    """Import TensorFlow without its messages; also make `--tasks` find packages in the working directory."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported, which is why that waits
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # each fold is a new model, about which it warns
    first = "tensorflow" not in sys.modules
    with quiet_import(), lean_import():
        import tensorflow  # noqa: F401 - each command imports what needs it
    if first:
        gc.freeze()  # its modules stay: each collection would look at a million objects of theirs, for 0.15 s
    sys.path.insert(0, os.getcwd())  # as `python -m` would


def parsed(*, protocol: str | None, folds: int | None, repeats: int | None, share: float | None, **options: Any) -> Any:
    """Return *options* with the objects that they name, and set the precision of all layers. Raises BadRequest."""
    import keras

    from training.execution.distribution import strategy
    from training.validation import make_strategy

    options["strategy"] = strategy()
    keras.config.set_dtype_policy(options.pop("precision"))
    return options | {"protocol": make_strategy(protocol, folds=folds, repeats=repeats, share=share)}


def make_job(
    name: str, tasks: str, dataset: str | None, recipe: str | None, overrides: tuple[str, ...], **options: Any
) -> "Job":
    """Return the job of model *name*, a task's name or a TOML file that declares one. Raises BadRequest.

    *recipe* is a recipe's name or file, None for the best.
    """
    from training.errors import BadRequest
    from training.jobs.training_job import Job
    from training.tuning.recipe_file import is_recipe_file, read_recipe_file

    name, task = _found(name, tasks)
    if task.declared and options["sample"]:
        raise BadRequest(f"--sample: {task.declared.path} has no built-in sample, only the models of Plumbline do")
    task = task.on(dataset)
    recipe = recipe or [*task.recipes][-1]
    if is_recipe_file(recipe):
        recipe, found = read_recipe_file(Path(recipe), name)
        overrides = (*found, *overrides)
    return Job(name, task, recipe, overrides=overrides, say=click.echo, tasks=tasks, **options)


def name_of(model: str) -> str:
    """Return the name of *model*, which may be a TOML file. Raises BadRequest."""
    from training.declarations.toml_reading import is_declaration, model_name

    return model_name(Path(model)) if is_declaration(model) else model


def _found(model: str, tasks: str) -> tuple[str, "Task"]:
    from training.declarations.toml_reading import is_declaration
    from training.errors import BadRequest
    from training.task import TASKS, find_task

    if not is_declaration(model):
        try:
            return model, find_task(model, tasks)
        except BadRequest as error:
            if Path(model).exists():
                raise BadRequest(f"{error}; to train on data: plumbline new {model}") from error
            raise
    if tasks != TASKS:
        raise BadRequest(f"--tasks {tasks}: {model} is a file of its own: leave the option out")
    from training.declarations.task import declared_task

    return declared_task(Path(model))
