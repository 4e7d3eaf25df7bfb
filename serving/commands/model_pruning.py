"""`plumbline models prune`: old versions of a models folder, but never one that is in use."""

from collections.abc import Mapping
from pathlib import Path

import click

from serving.commands.folder_options import models_dir_option, reporting_errors
from serving.commands.gateway_client import GatewayClient, api_key_option
from serving.gateway.setting_readers import canary as read_canary
from serving.registry import changes
from serving.registry.named_versions import named_versions, united
from serving.registry.versions import SERVED, model_names, read_versions, scan

_EXAMPLES = """\b
Examples:
  plumbline models prune --keep 5 --dry-run
  plumbline models prune --keep 5
  plumbline models prune sentiment topic --models-dir /srv/models
  plumbline models prune --models-config /etc/served-models/models.config --gateway http://gateway
"""


class _Canary(click.ParamType[Mapping[str, Mapping[int, float]]]):
    name = "canary"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Mapping[str, Mapping[int, float]]:
        try:
            return read_canary(str(value)) if value else {}
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(epilog=_EXAMPLES)
@models_dir_option
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--keep",
    type=click.IntRange(min=SERVED),
    default=SERVED,
    show_default=True,
    metavar="N",
    help=f"Number of versions to keep of each model, at least the {SERVED} that TensorFlow Serving has loaded.",
)
@click.option(
    "--models-config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A models.config of the model servers: keep what it pins or labels. Can be repeated.",
)
@click.option("--gateway", metavar="URL", multiple=True, help="A gateway: keep what it answers with. Can be repeated.")
@api_key_option
@click.option(
    "--canary",
    type=_Canary(),
    default="",
    envvar="CANARY",
    show_envvar=True,
    metavar="MODEL:VERSION=PERCENT,...",
    help="The gateways' setting: keep what it names.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
def prune(
    models_dir: Path,
    models: tuple[str, ...],
    keep: int,
    models_config: tuple[Path, ...],
    gateway: tuple[str, ...],
    api_key: str | None,
    canary: Mapping[str, Mapping[int, float]],
    dry_run: bool,
) -> None:
    """Remove old versions of each MODEL, or of all models: keep the newest N, and what is in use.

    The folder does not show which versions are pinned, labelled, canaries, or still answer since newer ones are
    refused: name the model servers' lists and a gateway. If one of these can't be read, nothing is removed.
    """
    with reporting_errors():
        in_use = united(
            *(named_versions(config, models_dir) for config in models_config),
            *(_served(models_dir, url, api_key) for url in gateway),
            {model: set(shares) for model, shares in canary.items()},
        )
        found = {model: read_versions(models_dir, model) for model in models or model_names(models_dir)}
        for model, versions in found.items():
            spared = in_use.get(model, set())
            removed = (
                changes.removable(versions, keep, spared) if dry_run else changes.prune(models_dir, model, keep, spared)
            )
            stay = [version.number for version in versions if version.number not in removed]
            done = f"{'would remove' if dry_run else 'removed'} {_numbers(removed)}" if removed else "nothing to remove"
            click.echo(f"{model}: {done}; {_numbers(stay)} {'stays' if len(stay) == 1 else 'stay'}")
    if not dry_run:
        click.echo("TensorFlow Serving keeps the versions that it serves.")


def _served(models_dir: Path, url: str, api_key: str | None) -> dict[str, set[int]]:
    """Return by model the versions that the gateway at *url* answers with. Raises GatewayError.

    Of a model that is not ready nobody knows which version will answer next, so these are all of its versions.
    """
    listed = GatewayClient(url, api_key).get_json("/models")["models"]
    return {
        model["name"]: set(model["versions"]) if model["ready"] else set(scan(models_dir / model["name"]))
        for model in listed
    }


def _numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
