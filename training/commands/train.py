"""`plumbline train`: a thin shell around `training.jobs`."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.process.exit_codes import ExitCode
from serving.registry.progress import Progress
from training.commands.options import (
    finding_tasks_here,
    import_tensorflow,
    make_job,
    models_dir_option,
    name_of,
    parsed,
    training_options,
)
from training.errors import DataUnavailable, TrainingError
from training.jobs.exits import reporting_errors
from training.publishing.publish import versions
from training.publishing.store import deliver, fetch
from training.task_imports import training_order

if TYPE_CHECKING:
    from training.jobs.training_job import Job

EXAMPLES = """\b
Examples:
  plumbline train sentiment
  plumbline train penguins.toml
  plumbline train all --missing --or-sample
  plumbline train digits --data-dir ~/data --seed 7
  plumbline train house_price --protocol repeated-kfold --folds 4 --repeats 3
  plumbline train sentiment --recipe baseline --set dropout=0.5 --set units=32,32
  plumbline train house_price --dataset california
  plumbline train churn --tasks mycompany.tasks
  plumbline train image --lite int8
  plumbline train topic --metrics-file /var/lib/node_exporter/topic.prom
  plumbline train topic --store s3://bucket/models
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.option("--recipe", help="One of the model's recipes, or a recipe file from `tune`.  [default: the best]")
@training_options
@models_dir_option
@click.option(
    "--reports-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="reports",
    show_default=True,
    envvar="PLUMBLINE_REPORTS",
    help="Folder for each run's report.html, plots, metrics.json and TensorBoard logs.",
)
@click.option("--compare/--no-compare", "compares", default=True, help="Validate the plainer recipes for the report.")
@click.option(
    "--metrics-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for Prometheus on how the run went, ending in .prom; the node exporter collects it.",
)
@click.option(
    "--replace-incomparable",
    is_flag=True,
    help="Publish even if the live version can't be evaluated on the same test rows, so nobody knows which is better.",
)
@click.option(
    "--lite",
    "lite_weights",
    type=click.Choice(("float32", "int8", "none")),
    default="float32",
    show_default=True,
    help="Weights of the form that is computed without TensorFlow. int8 takes a quarter of the space, and computes "
    "other scores: the report says what that loses. none spares the conversion, which takes memory.",
)
@click.option(
    "--store",
    metavar="URL",
    help="Object store, such as s3://bucket/models, that has the published versions: they are fetched to --models-dir "
    "first, and what is published there is copied back.",
)
@click.option("--or-sample", is_flag=True, help="Use the sample if the real data are unavailable.")
@click.option("--missing", is_flag=True, help="Skip models that already have a version.")
def train(
    model: str,
    or_sample: bool,
    missing: bool,
    tasks: str,
    metrics_file: Path | None,
    store: str | None,
    **options: Any,
) -> None:
    """Train MODEL, or "all", and publish it as a new version with its contract.

    MODEL is the name of a task, or a TOML file that `plumbline new` has written for a table or a folder of photos.
    Of all, one that is refused, or whose data are unavailable, keeps no other from being trained; the last line says
    what is left. The exit code is 75 if the same command may publish more later.

    To resume an interrupted job, run the same command again. A job that has already published does nothing.
    """
    with reporting_errors():  # first of all: a container's first process ignores SIGTERM until it has a handler
        with finding_tasks_here():
            listed = training_order(tasks) if model == "all" else [model]
            if store:
                fetch(store, options["models_dir"], map(name_of, listed))
            wanted = _missing(listed, options["models_dir"]) if missing else listed
        if not wanted:  # TensorFlow takes seconds to be imported
            return
        with contextlib.ExitStack() as stack:
            progress = [stack.enter_context(Progress(options["models_dir"], name_of(each))) for each in wanted]
            import_tensorflow()
            from training.execution.distribution import is_chief
            from training.report.tracking import is_tracking

            is_tracking()  # raises before anything is trained
            options = parsed(**options)
            if not is_chief(
                options["strategy"]
            ):  # every worker trains, but only the chief publishes and writes metrics
                metrics_file = store = None
            left: dict[str, TrainingError] = {}
            for each, shown in zip(wanted, progress, strict=True):
                job = partial(make_job, each, tasks, **options, on_progress=shown.show)
                try:
                    with shown:
                        _train(name_of(each), job, or_sample, metrics_file, _delivery(store, options, name_of(each)))
                except TrainingError as error:
                    is_its_own = isinstance(error, DataUnavailable) or error.exit_code != ExitCode.RETRY
                    if len(wanted) == 1 or not is_its_own:  # without room, say, the next would fail too
                        raise
                    click.echo(f"Error: {error}", err=True)
                    left[each] = error
        _end(left, len(wanted))


def _missing(listed: Sequence[str], models_dir: Path) -> list[str]:
    """Return those that have no version in *models_dir*. Raise BadRequest."""
    wanted = []
    for each in listed:
        name = name_of(each)
        if published := versions(models_dir, name):
            click.echo(f"{name}: skipped, version {published[-1]} exists")
        else:
            wanted.append(each)
    return wanted


def _end(left: Mapping[str, TrainingError], count: int) -> None:
    """Exit with a code if models are *left*, of so many: RETRY if one may succeed later, else that of the first."""
    if not left:
        return
    later = [model for model, error in left.items() if error.exit_code == ExitCode.RETRY]
    advice = f"; the same command may later publish {', '.join(later)}" if later else ""
    click.echo(f"Error: {len(left)} of {count} models not published: {', '.join(left)}{advice}", err=True)
    raise SystemExit(ExitCode.RETRY if later else next(iter(left.values())).exit_code)


def _delivery(store: str | None, options: Mapping[str, Any], name: str) -> Callable[[], None]:
    return partial(deliver, store, options["models_dir"], name) if store else lambda: None


def _train(
    name: str, make: Callable[..., "Job"], or_sample: bool, metrics_file: Path | None, delivering: Callable[[], None]
) -> None:
    from training.jobs.run_metrics import recording_metrics

    with recording_metrics(metrics_file, name) as outcome:
        folder = _run(make(on_trained=outcome.trained), or_sample)
        delivering()
        if folder:
            outcome.published(folder)
    if folder:
        click.echo(f"{name}: published {folder}")


def _run(job: "Job", or_sample: bool) -> Path | None:
    from training.jobs.training_job import run

    try:
        return run(job)
    except DataUnavailable as error:
        if not or_sample:
            raise
        click.echo(f"{job.name}: {error}", err=True)
        click.echo(f"{job.name}: USING THE BUILT-IN SAMPLE INSTEAD. This model's answers are meaningless.", err=True)
        return run(dataclasses.replace(job, sample=True))
