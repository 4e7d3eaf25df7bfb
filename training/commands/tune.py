"""`plumbline tune`: a thin shell around `training.tuning`."""

from pathlib import Path
from typing import Any

import click

from training.commands.options import import_tensorflow, make_job, parsed, training_options
from training.jobs.exits import reporting_errors

EXAMPLES = """\b
Examples:
  plumbline tune house_price --trials 30
  plumbline tune topic --search dropout=0..0.6 --search units=64,64/128,128 --set epochs=12
  plumbline tune digits --data-dir ~/data --output digits.json
  plumbline train digits --data-dir ~/data --recipe digits.json
"""


@click.command(epilog=EXAMPLES)
@click.argument("model")
@click.option("--recipe", help="One of the model's recipes, to be improved.  [default: the best]")
@click.option(
    "--trials",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Total number of trials, including those of earlier runs.",
)
@click.option(
    "--search",
    "ranges",
    multiple=True,
    metavar="NAME=RANGE",
    help="Setting to search and its range: LOW..HIGH, LOW..HIGH:log, or A/B/C.",
)
@training_options
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Recipe file to write; OUTPUT.study keeps the state of the search.  [default: MODEL.json]",
)
def tune(model: str, trials: int, ranges: tuple[str, ...], output: Path | None, tasks: str, **options: Any) -> None:
    """Search for settings of MODEL's recipe that validate better, and write a file that `train --recipe` takes.

    MODEL is the name of a task, or a TOML file that declares one.

    Each trial validates the recipe with the task's validation strategy; none uses the test rows. The unchanged recipe
    is validated first. To resume an interrupted search, run the same command again.
    """
    with reporting_errors():
        import_tensorflow()
        from training.tuning.search import search

        job = make_job(model, tasks, models_dir=Path(), **parsed(**options))
        search(job, ranges, trials, output or Path(f"{job.name}.json"))
