"""What the commands on a models folder share."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from serving.registry.errors import RegistryError

models_dir_option = click.option(
    "--models-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="models",
    show_default=True,
    envvar="PLUMBLINE_MODELS",
    help="The models folder.",
)


@contextlib.contextmanager
def telling_errors() -> Iterator[None]:
    """Turn what can't be done into the message that ends the command."""
    try:
        yield
    except (RegistryError, OSError) as error:
        raise click.ClickException(str(error)) from error
