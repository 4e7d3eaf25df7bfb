"""`plumbline train`: a thin shell around `training.jobs`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from training.commands.options import import_tensorflow, make_job, models_dir_option, name_of, parsed, training_options
from training.errors import DataUnavailable
from training.jobs.exits import reporting_errors

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
  plumbline train topic --metrics-file /var/lib/node_exporter/topic.prom
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
@click.option("--or-sample", is_flag=True, help="Use the sample if the real data are unavailable.")
@click.option("--missing", is_flag=True, help="Skip models that already have a version.")
def train(model: str, or_sample: bool, missing: bool, tasks: str, metrics_file: Path | None, **options: Any) -> None:
    """Train MODEL, or "all", and publish it as a new version with its contract.

    MODEL is the name of a task, or a TOML file that `plumbline new` has written for a table or a folder of photos.

    To resume an interrupted job, run the same command again. A job that has already published does nothing.
    """
    with reporting_errors():  # first of all: a container's first process ignores SIGTERM until it has a handler
        import_tensorflow()
        from training.execution.distribution import is_chief
        from training.jobs.run_metrics import recording_metrics
        from training.publishing.publish import versions
        from training.report.tracking import is_tracking
        from training.task import task_names

        is_tracking()  # raises before anything is trained
        options = parsed(**options)
        for each in task_names(tasks) if model == "all" else [model]:
            name = name_of(each)
            if missing and (published := versions(options["models_dir"], name)):
                click.echo(f"{name}: skipped, version {published[-1]} exists")
                continue
            # Every worker trains, but only the chief writes metrics.
            with recording_metrics(metrics_file if is_chief(options["strategy"]) else None, name) as outcome:
                folder = _run(make_job(each, tasks, **options, on_trained=outcome.trained), or_sample)
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
