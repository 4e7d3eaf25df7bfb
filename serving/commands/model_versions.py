"""The subcommands of `plumbline models` that read or change a models folder."""

from collections.abc import Mapping
from pathlib import Path

import click

from serving.commands.folder_options import models_dir_option, reporting_errors
from serving.commands.model_checks import check, quarantine
from serving.commands.model_copying import copy_models
from serving.commands.model_pruning import prune, remove
from serving.commands.model_signing import sign, verify_signatures
from serving.commands.tables import VERSION_HEADER, facts, table, version_rows
from serving.registry import changes
from serving.registry.errors import NoSuchVersion, NothingPublished
from serving.registry.pinning import Pin, pins, pins_to
from serving.registry.server_config import MONITORING, batch_threads_config, models_config, servable_models
from serving.registry.versions import Version, model_names, newest_fit, read_versions

_LIST_EXAMPLES = """\b
Examples:
  plumbline models list
  plumbline models list --models-dir /srv/models
"""

_SHOW_EXAMPLES = """\b
Examples:
  plumbline models show sentiment
  plumbline models show sentiment 3 --models-dir /srv/models
"""

_PROMOTE_EXAMPLES = """\b
Examples:
  plumbline models promote sentiment 3
  plumbline models promote sentiment 3 --models-dir /srv/models
"""

_ROLLBACK_EXAMPLES = """\b
Examples:
  plumbline models rollback sentiment
  plumbline models rollback sentiment --models-dir /srv/models
"""

_CONFIG_EXAMPLES = """\b
Examples:
  plumbline models config --models-dir models --output serving-config
  plumbline models config --base-path /models --output k8s/base/model-server
  plumbline models config --base-path gs://bucket/models --batch-threads 2
  plumbline models config --pin
  plumbline models config --base-path /models --output - > models.config
  plumbline models config --pin-version sentiment:3
"""


def _versions_by_model(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, list[int]]:
    versions: dict[str, list[int]] = {}
    for text in texts:
        model, _, number = text.rpartition(":")
        if not (model and number.isascii() and number.isdecimal()):
            raise click.BadParameter(f"expected MODEL:VERSION, such as sentiment:3, got '{text}'")
        versions.setdefault(model, []).append(int(number))
    return versions


@click.command("list", epilog=_LIST_EXAMPLES)
@models_dir_option
def list_versions(models_dir: Path) -> None:
    """List all versions in the models folder.

    STATE comes from the folder alone: `newest` is the version that a model server should answer with; `kept` should
    stay loaded for requests in progress; `idle` should not be loaded; `broken` lacks its model or contract. Whether a
    model server has loaded them is shown by `plumbline models`, which queries a gateway; whether it can load them, by
    `plumbline models check`.
    """
    with reporting_errors():
        rows = [
            row for model in model_names(models_dir) for row in version_rows(model, read_versions(models_dir, model))
        ]
    if not rows:
        click.echo(NothingPublished(models_dir))
        return
    click.echo(table([VERSION_HEADER, *rows]))


@click.command(epilog=_SHOW_EXAMPLES)
@models_dir_option
@click.argument("model")
@click.argument("version", type=int, required=False)
def show(models_dir: Path, model: str, version: int | None) -> None:
    """Show the details of VERSION of MODEL; without VERSION, of the newest that is not broken."""
    with reporting_errors():
        versions = read_versions(models_dir, model)
    told = facts(_chosen(model, version, versions), versions)
    width = max(map(len, told)) + 1
    for name, value in told.items():
        click.echo(f"{name:<{width}}{value}")


@click.command(epilog=_PROMOTE_EXAMPLES)
@models_dir_option
@click.argument("model")
@click.argument("version", type=int)
def promote(models_dir: Path, model: str, version: int) -> None:
    """Make VERSION of MODEL the newest.

    Its files are published again under the next number, since TensorFlow Serving serves the highest number and never
    loads a number twice. VERSION may be the newest: this retries a version that TensorFlow Serving failed to load.
    """
    with reporting_errors():
        _print(changes.promote(models_dir, model, version))


@click.command(epilog=_ROLLBACK_EXAMPLES)
@models_dir_option
@click.argument("model")
def rollback(models_dir: Path, model: str) -> None:
    """Make the previous version of MODEL the newest again.

    Its files are published again under the next number. A second rollback goes back by one more version.
    """
    with reporting_errors():
        _print(changes.rollback(models_dir, model))


@click.command(epilog=_CONFIG_EXAMPLES)
@models_dir_option
@click.option("--base-path", metavar="PATH", help="Path or URI of the models folder on the server, if it differs.")
@click.option(
    "--batch-threads",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Number of batches that run at the same time.",
)
@click.option("--pin", is_flag=True, help="Pin all models to their present versions.")
@click.option(
    "--pin-version",
    "pinned_versions",
    multiple=True,
    callback=_versions_by_model,
    metavar="MODEL:VERSION",
    help="Pin MODEL to VERSION, or to several if given several times.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, allow_dash=True, path_type=Path),
    default=".",
    show_default=True,
    help="Folder to write to; with - models.config alone is printed.",
)
def config(
    models_dir: Path,
    base_path: str | None,
    batch_threads: int,
    pin: bool,
    pinned_versions: dict[str, list[int]],
    output: Path,
) -> None:
    """Write TensorFlow Serving's configuration for the published models.

    models.config lists the models, batching.config has the threads that run batches, monitoring.config enables metrics.
    Training writes into each version how it is batched: start the server with --enable_batching and
    --enable_per_model_batching_parameters.

    The two newest versions of each model are loaded, also as new ones arrive. If one of them can't be loaded, which
    would make the server's start fail, the model is pinned to the two newest that can, and a message says so; --pin
    pins all models, and --pin-version one of them to a version that is known to be good, such as the last that the
    gateways admitted. A pinned model gets no new version until this command is run again.

    A model without a version is not listed: its missing folder would keep the server from seeing new versions of all.
    """
    base_path = base_path or str(models_dir.resolve())
    if not (base_path.startswith("/") or "://" in base_path):
        raise click.BadParameter(f"expected an absolute path or a URI, got '{base_path}'", param_hint="--base-path")
    with reporting_errors():
        models, unservable = servable_models(models_dir)
        if unservable:  # the server would unload a model that is left out of its list
            raise unservable[0]
        pinned = pins(models_dir, models, everything=pin) | pins_to(models_dir, models, pinned_versions)
        print_pins(pinned)
        listed = models_config(models, base_path, {name: it.versions for name, it in pinned.items()})
        if str(output) == "-":
            click.echo(listed, nl=False)
            return
        output.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("models.config", listed),
            ("batching.config", batch_threads_config(batch_threads)),
            ("monitoring.config", MONITORING),
        ):
            (output / name).write_text(text, "utf-8")
            click.echo(f"wrote {output / name}")


COMMANDS = (
    *(list_versions, show, promote, rollback, prune, remove, copy_models, config, check, quarantine),
    *(sign, verify_signatures),
)


def print_pins(pinned: Mapping[str, Pin]) -> None:
    """Print which models are pinned, and why."""
    for model, pin in pinned.items():
        for version in pin.passed_over:
            click.echo(f"{model}: version {version.number} can't be loaded: {version.problem}", err=True)
        numbers = " and ".join(map(str, sorted(pin.versions)))
        click.echo(f"{model}: pinned to {numbers}: new versions are not loaded until this is written anew", err=True)


def _print(done: changes.Promotion) -> None:
    click.echo(f"{done.model}: version {done.version} holds what version {done.copied} does")
    click.echo(
        f"TensorFlow Serving loads {done.version} when it next looks at the folder (by default within a second), and "
        f"requests then go there instead of to {done.replaced}. `plumbline verify {done.model}` checks it."
    )


def _chosen(model: str, number: int | None, versions: list[Version]) -> Version:
    if number is None:
        return newest_fit(versions) or versions[-1]
    for version in versions:
        if version.number == number:
            return version
    raise click.ClickException(str(NoSuchVersion(model, number, [version.number for version in versions])))
