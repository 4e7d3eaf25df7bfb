"""The commands below `plumbline models` about versions that can't be loaded."""

from pathlib import Path

import click

from serving.commands.folder_options import models_dir_option, reporting_errors
from serving.registry.checking import check_folder
from serving.registry.errors import NoSuchModel, NothingPublished
from serving.registry.quarantining import quarantine as move_away
from serving.registry.quarantining import quarantine_unloadable
from serving.registry.versions import model_names

_CHECK_EXAMPLES = """\b
Examples:
  plumbline models check
  plumbline models check sentiment --models-dir /srv/models
  plumbline models check --quarantine
"""

_QUARANTINE_EXAMPLES = """\b
Examples:
  plumbline models quarantine sentiment 4
  plumbline models quarantine sentiment 4 --models-dir /srv/models
"""


@click.command(epilog=_CHECK_EXAMPLES)
@models_dir_option
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--quarantine", is_flag=True, help="Move versions that can't be loaded to .quarantine.")
def check(models_dir: Path, models: tuple[str, ...], quarantine: bool) -> None:
    """Check whether TensorFlow Serving can load the two newest versions of each MODEL, or of all models.

    A version that it can't load makes its next start fail, even if there are good versions. The check reads the files,
    without TensorFlow: graph, variables, batching parameters, warm-up. With --quarantine such versions are moved to the
    folder .quarantine of their model, and older ones take their places; in Kubernetes each model server's pod does this
    before it starts. The exit code is 1 if such versions remain.
    """
    left = False
    with reporting_errors():
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
            click.echo(f"{model}: {_summary(good)}")
            left = left or bool(bad)
    if left:
        raise SystemExit(1)


@click.command(epilog=_QUARANTINE_EXAMPLES)
@models_dir_option
@click.argument("model")
@click.argument("version", type=int)
def quarantine(models_dir: Path, model: str, version: int) -> None:
    """Move VERSION of MODEL where no model server finds it, without deleting it.

    Its folder is moved to the model's folder .quarantine, and the next older version takes its place. Use this for a
    version that TensorFlow Serving fails to load although `check` finds nothing, or that must not answer.
    """
    with reporting_errors():
        path = move_away(models_dir, model, version)
        good, _ = check_folder(models_dir / model)
    click.echo(f"{model}: version {version} moved to {path}")
    click.echo(f"{model}: {_summary(good)}")


def _summary(good: list[int]) -> str:
    if not good:
        return "no version is left that can be loaded: a model server waits for one before it serves any model"
    numbers = " and ".join(map(str, good))
    return f"{'versions' if len(good) > 1 else 'version'} {numbers} can be loaded, as far as the files tell"
