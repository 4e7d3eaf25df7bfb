"""`plumbline models prune` and `remove`: old versions, or all of a model, but never one that is in use."""

from collections.abc import Sequence
from pathlib import Path

import click

from serving.commands.folder_options import reporting_errors
from serving.commands.gateway_client import api_key_option
from serving.commands.versions_in_use import (
    Canary,
    api_key_file_option,
    canary_option,
    chosen_place,
    gateway_option,
    key_of,
    models_config_option,
    models_dir_option,
    store_option,
    versions_in_use,
)
from serving.model_store import Pruned
from serving.registry.versions import SERVED

_PRUNE_EXAMPLES = """\b
Examples:
  plumbline models prune --keep 5 --dry-run
  plumbline models prune --keep 5
  plumbline models prune sentiment topic --models-dir /srv/models
  plumbline models prune --models-config /etc/served-models/models.config --gateway http://gateway
  plumbline models prune --keep 5 --store s3://bucket/models
"""

_REMOVE_EXAMPLES = """\b
Examples:
  plumbline models remove topic --models-config models.config --gateway http://gateway
  plumbline models remove topic --store s3://bucket/models
"""


@click.command(epilog=_PRUNE_EXAMPLES)
@models_dir_option
@store_option
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--keep",
    type=click.IntRange(min=SERVED),
    default=SERVED,
    show_default=True,
    metavar="N",
    help=f"Number of versions to keep of each model, at least the {SERVED} that TensorFlow Serving has loaded.",
)
@models_config_option
@gateway_option
@api_key_option
@api_key_file_option
@canary_option
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
def prune(
    models_dir: Path,
    store: str | None,
    models: tuple[str, ...],
    keep: int,
    models_config: tuple[Path, ...],
    gateway: tuple[str, ...],
    api_key: str | None,
    api_key_file: Path | None,
    canary: Canary,
    dry_run: bool,
) -> None:
    """Remove old versions of each MODEL, or of all models: keep the newest N, and what is in use.

    The folder does not show which versions are pinned, labelled, canaries, or still answer since newer ones are
    refused: name the model servers' lists and a gateway. If one of these can't be read, nothing is removed.
    """
    with reporting_errors():
        place = chosen_place(models_dir, store)
        in_use = versions_in_use(place.numbers, models_config, gateway, key_of(api_key, api_key_file), canary)
        if not (known := models or place.models()):
            raise click.ClickException(f"{place.name}: there is no model to prune")
        for model in known:
            done = place.prune(model, keep, in_use.get(model, set()), dry_run=dry_run)
            click.echo(f"{model}: {_told(done, dry_run)}")
    if not dry_run:
        click.echo("TensorFlow Serving keeps the versions that it serves.")


def _told(done: Pruned, dry_run: bool) -> str:
    verb = "would remove" if dry_run else "removed"
    told = f"{verb} {_numbers(done.removed)}" if done.removed else "nothing to remove"
    if not done.kept:
        return f"{told}; no version is there"
    return f"{told}; {_numbers(done.kept)} {'stays' if len(done.kept) == 1 else 'stay'}"


@click.command(epilog=_REMOVE_EXAMPLES)
@models_dir_option
@store_option
@click.argument("model")
@models_config_option
@gateway_option
@api_key_option
@api_key_file_option
def remove(
    models_dir: Path,
    store: str | None,
    model: str,
    models_config: tuple[Path, ...],
    gateway: tuple[str, ...],
    api_key: str | None,
    api_key_file: Path | None,
) -> None:
    """Remove all versions of MODEL, unless a list or a gateway that is named here still has it.

    Their numbers are not used again, if a model of this name is ever trained anew.
    """
    with reporting_errors():
        place = chosen_place(models_dir, store)
        if model in versions_in_use(place.numbers, models_config, gateway, key_of(api_key, api_key_file), {}):
            raise click.ClickException(f"{model} is still served: take it out of the model lists and MODELS first")
        click.echo(f"{model}: removed {_numbers(place.clear(model))}")


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
