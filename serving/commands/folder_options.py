"""The option and the error handling that commands on a models folder share."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from serving.model_store.errors import StoreError
from serving.registry.errors import RegistryError

models_dir_option = click.option(
    "--models-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="models",
    show_default=True,
    envvar="PLUMBLINE_MODELS",
    show_envvar=True,
    help="Folder of the published models. (MODELS_DIR is another setting, with which the gateway runs models itself.)",
)


@contextlib.contextmanager
def reporting_errors() -> Iterator[None]:
    """End the command with the message of a RegistryError, StoreError or OSError."""
    try:
        yield
    except (RegistryError, StoreError, OSError) as error:
        raise click.ClickException(str(error)) from error
