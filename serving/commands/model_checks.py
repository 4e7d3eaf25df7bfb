"""The commands below `plumbline models` about versions that can't be loaded."""

from pathlib import Path

import click

from serving.commands.folder_options import models_dir_option, telling_errors
from serving.registry.checking import check_folder
from serving.registry.errors import NoSuchModel, NothingPublished
from serving.registry.quarantining import quarantine as take_away
from serving.registry.quarantining import quarantine_unloadable
from serving.registry.versions import SERVED, model_names


@click.command(
    help=f"""
Look whether TensorFlow Serving can load the versions that it would: the newest {SERVED} of each MODEL, or of all.

One that it can't load ends its next start, though good versions lie beside it. What files tell without TensorFlow is
looked at: graph, variables, batching parameters, warm-up. With --quarantine such versions are moved to the folder
.quarantine beside them, and older ones take their places; in Kubernetes each model server's pod does so before it
starts. The exit code is 1 if there are some and they stay.

\b
Examples:
  plumbline models check
  plumbline models check sentiment --models-dir /srv/models
  plumbline models check --quarantine
"""
)
@models_dir_option
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--quarantine", is_flag=True, help="Move the versions away that can't be loaded.")
def check(models_dir: Path, models: tuple[str, ...], quarantine: bool) -> None:
    """Print one line for each model, and one for each version that can't be loaded."""
    left = False
    with telling_errors():
        known = model_names(models_dir)
        if not known:
            click.echo(NothingPublished(models_dir))
        for model in models or known:
            if model not in known:
                raise NoSuchModel(models_dir, model, known)
            if quarantine:
                for version, path in quarantine_unloadable(models_dir, model):
                    click.echo(f"{model}: version {version.number} moved to {path}: {version.problem}", err=True)
            good, bad = check_folder(models_dir / model)
            for version in bad:
                click.echo(f"{model}: version {version.number} can't be loaded: {version.problem}", err=True)
            click.echo(f"{model}: {_said(good)}")
            left = left or bool(bad)
    if left:
        raise SystemExit(1)


@click.command(
    help="""
Take VERSION of MODEL away, so that no model server loads it, without deleting it.

Its folder is moved to the folder .quarantine beside it, and the next older version takes its place. For a version that
TensorFlow Serving fails to load though `check` finds nothing, or that must not answer.

\b
Examples:
  plumbline models quarantine sentiment 4
  plumbline models quarantine sentiment 4 --models-dir /srv/models
"""
)
@models_dir_option
@click.argument("model")
@click.argument("version", type=int)
def quarantine(models_dir: Path, model: str, version: int) -> None:
    """Print what was done."""
    with telling_errors():
        path = take_away(models_dir, model, version)
        good, _ = check_folder(models_dir / model)
    click.echo(f"{model}: version {version} moved to {path}")
    click.echo(f"{model}: {_said(good)}")


def _said(good: list[int]) -> str:
    if not good:
        return "no version is left that can be loaded: a model server waits for one before it serves any model"
    numbers = " and ".join(map(str, good))
    return f"{'versions' if len(good) > 1 else 'version'} {numbers} can be loaded, as far as the files tell"
