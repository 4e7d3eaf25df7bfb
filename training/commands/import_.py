"""`plumbline import`: a thin shell around `training.importing`."""

from pathlib import Path

import click

from training.commands.options import import_tensorflow, models_dir_option
from training.jobs.exits import reporting_errors

EXAMPLES = """\b
Examples:
  plumbline import mood.keras --name mood --examples rows.jsonl --labels bad,good
  plumbline import price.h5 --name price --examples houses.csv
  plumbline import exported/ --name zoo --examples photos.csv --fields zoo.toml --labels @animals.txt
  plumbline import two.keras --name two --examples rows.jsonl --labels mood=bad,good --values size=width,height
"""


@click.command("import", epilog=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the model that is published.")
@click.option(
    "--examples",
    required=True,
    type=click.Path(path_type=Path),
    metavar="ROWS",
    help="Instances in a JSONL, JSON or CSV file: all are compared with the original, the first go into the contract.",
)
@click.option(
    "--labels",
    multiple=True,
    metavar="[OUTPUT=]A,B",
    help="Labels of an output with a softmax, or a sigmoid: those of 0 and 1. @FILE has one a line.",
)
@click.option("--tags", multiple=True, metavar="[OUTPUT=]A,B", help="Tags of an output with several sigmoids.")
@click.option("--values", multiple=True, metavar="[OUTPUT=]A,B", help="Names of an output's numbers.")
@click.option(
    "--fields",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="Which fields are pictures, categories, ..., and which input each of them is.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME",
    help="Python package, of which the model has layers; it is imported before the model is loaded.",
)
@models_dir_option
def import_(
    file: Path,
    name: str,
    examples: Path,
    labels: tuple[str, ...],
    tags: tuple[str, ...],
    values: tuple[str, ...],
    fields: Path | None,
    packages: tuple[str, ...],
    models_dir: Path,
) -> None:
    """Publish the model in FILE, which was trained elsewhere, as a new version with its contract.

    FILE is a .keras or .h5 file, or the folder of a SavedModel. The fields of ROWS have the names of the model's
    inputs. Nothing is trained: what is served is compared with the original's own predictions for every row.
    """
    with reporting_errors():
        import_tensorflow()
        from training.importing.importing import Request, import_model

        names = {"labels": labels, "tags": tags, "values": values}
        request = Request(file, name, examples, models_dir, names, fields, packages, click.echo)
        click.echo(f"{name}: published {import_model(request)}")
