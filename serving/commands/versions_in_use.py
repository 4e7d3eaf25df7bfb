"""What is in use of a models folder or a store, for commands that remove versions: the options that name it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from serving.commands.gateway_client import GatewayClient
from serving.gateway.setting_readers import canary as read_canary
from serving.model_store import Place, place_of
from serving.registry.named_versions import named_versions, united

Numbers = Callable[[str], Sequence[int]]
"""Lists the versions of a model that are there, ascending."""

Canary = Mapping[str, Mapping[int, float]]


class _Canary(click.ParamType[Canary]):
    name = "canary"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Canary:
        try:
            return read_canary(str(value)) if value else {}
        except ValueError as error:
            self.fail(str(error), param, ctx)


models_dir_option = click.option(
    "--models-dir",
    type=click.Path(file_okay=False, path_type=Path),  # it need not be there if a store is named
    default="models",
    show_default=True,
    envvar="PLUMBLINE_MODELS",
    show_envvar=True,
    help="Folder of the published models.",
)
store_option = click.option(
    "--store", metavar="URL", help="An object store, such as s3://bucket/models, in place of the models folder."
)
models_config_option = click.option(
    "--models-config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A models.config of the model servers: keep what it pins or labels. Can be repeated.",
)
api_key_file_option = click.option(
    "--api-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the API key, such as a mounted Secret; one that is not there is none.",
)
gateway_option = click.option(
    "--gateway", metavar="URL", multiple=True, help="A gateway: keep what it answers with. Can be repeated."
)
canary_option = click.option(
    "--canary",
    type=_Canary(),
    default="",
    envvar="CANARY",
    show_envvar=True,
    metavar="MODEL:VERSION=PERCENT,...",
    help="The gateways' setting: keep what it names.",
)


def chosen_place(models_dir: Path, store: str | None) -> Place:
    """Return the store if one is named, else the models folder. Raises BadParameter or StoreError."""
    if store:
        return place_of(store)
    if not models_dir.is_dir():
        raise click.BadParameter(f"Directory '{models_dir}' does not exist.", param_hint="'--models-dir'")
    return place_of(str(models_dir))


def key_of(api_key: str | None, file: Path | None) -> str | None:
    """Return the API key that was given, or that of the file if it is there. Raises OSError."""
    return file.read_text("utf-8", "replace").strip() if file and file.exists() and not api_key else api_key


def versions_in_use(
    numbers: Numbers, configs: Sequence[Path], gateways: Sequence[str], api_key: str | None, canary: Canary
) -> dict[str, set[int]]:
    """Return by model which of its versions are in use. Raises RegistryError or GatewayError."""
    return united(
        *(named_versions(config, numbers) for config in configs),
        *(_served(numbers, url, api_key) for url in gateways),
        {model: set(shares) for model, shares in canary.items()},
    )


def _served(numbers: Numbers, url: str, api_key: str | None) -> dict[str, set[int]]:
    """Return by model the versions that the gateway at *url* answers with. Raises GatewayError.

    Of a model that is not ready nobody knows which version will answer next, so these are all of its versions.
    """
    listed = GatewayClient(url, api_key).get_json("/models")["models"]
    return {
        model["name"]: set(model["versions"]) if model["ready"] else set(numbers(model["name"])) for model in listed
    }
