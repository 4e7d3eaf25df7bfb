"""The commands below `plumbline models` that work on a models folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from serving.registry import changes
from serving.registry.errors import NothingPublished, RegistryError, UnknownVersion
from serving.registry.server_config import MONITORING, batch_threads_config, models_config, servable_models
from serving.registry.tables import VERSION_HEADER, facts, table, version_rows
from serving.registry.versions import SERVED, Version, model_names, read_versions

_models_dir = click.option(
    "--models-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="models",
    show_default=True,
    envvar="PLUMBLINE_MODELS",
    help="The models folder.",
)


@click.command(
    "list",
    help="""
List all versions in the models folder.

STATE is what TensorFlow Serving makes of them with `latest {num_versions: 2}`, as `plumbline up` starts it: `live`
answers; `kept` is loaded too, for requests under way; `idle` is not loaded; `broken` lacks its model or contract.

\b
Examples:
  plumbline models list
  plumbline models list --models-dir /srv/models
""",
)
@_models_dir
def list_versions(models_dir: Path) -> None:
    """Print one line for each version."""
    with _told():
        rows = [
            row for model in model_names(models_dir) for row in version_rows(model, read_versions(models_dir, model))
        ]
    if not rows:
        click.echo(NothingPublished(models_dir))
        return
    click.echo(table([VERSION_HEADER, *rows]))


@click.command(
    help="""
Show what VERSION of MODEL says of itself; without VERSION, of the live one.

\b
Examples:
  plumbline models show sentiment
  plumbline models show sentiment 3 --models-dir /srv/models
"""
)
@_models_dir
@click.argument("model")
@click.argument("version", type=int, required=False)
def show(models_dir: Path, model: str, version: int | None) -> None:
    """Print one fact a line."""
    with _told():
        versions = read_versions(models_dir, model)
    for name, value in facts(_chosen(model, version, versions), versions).items():
        click.echo(f"{name:<17}{value}")


@click.command(
    help="""
Make VERSION of MODEL the live one.

Its files come back under the next number, since TensorFlow Serving serves the highest and never takes a number twice.
VERSION may be the newest: that is how a version is tried again that TensorFlow Serving failed to load.

\b
Examples:
  plumbline models promote sentiment 3
  plumbline models promote sentiment 3 --models-dir /srv/models
"""
)
@_models_dir
@click.argument("model")
@click.argument("version", type=int)
def promote(models_dir: Path, model: str, version: int) -> None:
    """Print what was done."""
    with _told():
        _tell(changes.promote(models_dir, model, version))


@click.command(
    help="""
Make the version of MODEL live that was so before the live one.

Its files come back under the next number. Done again, it goes back by one more.

\b
Examples:
  plumbline models rollback sentiment
  plumbline models rollback sentiment --models-dir /srv/models
"""
)
@_models_dir
@click.argument("model")
def rollback(models_dir: Path, model: str) -> None:
    """Print what was done."""
    with _told():
        _tell(changes.rollback(models_dir, model))


@click.command(
    help="""
Remove old versions of each MODEL, or of all, but the newest N.

\b
Examples:
  plumbline models prune --keep 5 --dry-run
  plumbline models prune --keep 5
  plumbline models prune sentiment topic --models-dir /srv/models
"""
)
@_models_dir
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--keep",
    type=click.IntRange(min=SERVED),
    default=SERVED,
    show_default=True,
    metavar="N",
    help=f"How many to keep of each model, at least the {SERVED} that TensorFlow Serving has loaded.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def prune(models_dir: Path, models: tuple[str, ...], keep: int, dry_run: bool) -> None:
    """Print one line for each model."""
    with _told():
        found = {model: read_versions(models_dir, model) for model in models or model_names(models_dir)}
        for model, versions in found.items():
            removed = changes.removable(versions, keep) if dry_run else changes.prune(models_dir, model, keep)
            stay = [version.number for version in versions if version.number not in removed]
            done = f"{'would remove' if dry_run else 'removed'} {_numbers(removed)}" if removed else "nothing to remove"
            click.echo(f"{model}: {done}; {_numbers(stay)} {'stays' if len(stay) == 1 else 'stay'}")
    if not dry_run:
        click.echo("TensorFlow Serving goes on with the versions that it serves.")


@click.command(
    help="""
Write TensorFlow Serving's configuration for the published models.

models.config lists the models, batching.config has the threads that run batches, monitoring.config turns metrics on.
How each model is batched stands in its versions, which training writes: start the server with --enable_batching and
--enable_per_model_batching_parameters.

\b
Examples:
  plumbline models config --models-dir models --output serving-config
  plumbline models config --base-path /models --output k8s/base/model-server
  plumbline models config --base-path gs://bucket/models --batch-threads 2
"""
)
@_models_dir
@click.option("--base-path", metavar="PATH", help="The models folder as the server sees it, if elsewhere; or a URI.")
@click.option("--batch-threads", type=click.IntRange(1), default=4, show_default=True, help="Batches run at once.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The folder to write to.",
)
def config(models_dir: Path, base_path: str | None, batch_threads: int, output: Path) -> None:
    """Print one line for each file."""
    base_path = base_path or str(models_dir.resolve())
    if not (base_path.startswith("/") or "://" in base_path):
        raise click.BadParameter(f"expected an absolute path or a URI, got '{base_path}'", param_hint="--base-path")
    with _told():
        models, unservable = servable_models(models_dir)
        if unservable:  # the server would unload a model that is left out of its list
            raise unservable[0]
        output.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("models.config", models_config(models, base_path)),
            ("batching.config", batch_threads_config(batch_threads)),
            ("monitoring.config", MONITORING),
        ):
            (output / name).write_text(text, "utf-8")
            click.echo(f"wrote {output / name}")


COMMANDS = (list_versions, show, promote, rollback, prune, config)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (RegistryError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _tell(done: changes.Promotion) -> None:
    click.echo(f"{done.model}: version {done.version} holds what version {done.copied} does")
    click.echo(
        f"TensorFlow Serving loads {done.version} when it next looks at the folder (by default within a second), and "
        f"requests then go there instead of to {done.replaced}. `plumbline verify {done.model}` checks it."
    )


def _chosen(model: str, number: int | None, versions: list[Version]) -> Version:
    if number is None:
        return next((version for version in reversed(versions) if not version.problem), versions[-1])
    for version in versions:
        if version.number == number:
            return version
    raise click.ClickException(str(UnknownVersion(model, number, [version.number for version in versions])))


def _numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
