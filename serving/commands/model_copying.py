"""`plumbline models copy`: whole versions, between models folders and object stores."""

import signal
import sys
import time
from collections.abc import Sequence

import click

from serving.commands.folder_options import reporting_errors
from serving.model_store import Copied, Place, StoreError, copy, place_of

_EXAMPLES = """\b
Examples:
  plumbline models copy models /mnt/backup/models
  plumbline models copy /mnt/backup/models models sentiment
  plumbline models copy models s3://bucket/models
  plumbline models copy s3://bucket/models /models --mirror --follow 10
"""


@click.command("copy", epilog=_EXAMPLES)
@click.argument("source")
@click.argument("target")
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--newest", type=click.IntRange(min=1), metavar="N", help="Copy the newest N versions only.")
@click.option("--mirror", is_flag=True, help="Remove from TARGET the versions that are not to be copied from SOURCE.")
@click.option("--lenient", is_flag=True, help="Exit with 0 although versions were left out, so that others are served.")
@click.option(
    "--follow",
    type=click.FloatRange(min=1, max=3600),
    metavar="SECONDS",
    help="Copy again each so many seconds, until SIGTERM.",
)
def copy_models(
    source: str,
    target: str,
    models: tuple[str, ...],
    newest: int | None,
    mirror: bool,
    lenient: bool,
    follow: float | None,
) -> None:
    """Copy the versions of each MODEL, or of all models, that TARGET lacks: to back up, restore or publish.

    SOURCE and TARGET are models folders, or URLs such as s3://bucket/models. Versions keep their numbers. Each file is
    compared with its digest; a version is there whole or not at all. In a store the files are written first, then a
    record that names them, which only one writer can replace at a time.

    A version that is damaged, or whose number is another version's in TARGET, is left out, and the exit code is 1. A
    version that was quarantined in TARGET is not brought back. With --mirror, a model that SOURCE does not know stays.
    """
    with reporting_errors():
        places = place_of(source), place_of(target)
        if follow is None:
            problems = [_told(done) for done in copy(*places, models, newest, mirror=mirror)]
            if any(problems) and not lenient:
                raise SystemExit(1)
            return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _follow(*places, models, newest, mirror, follow)


def _follow(
    source: Place, target: Place, models: Sequence[str], newest: int | None, mirror: bool, seconds: float
) -> None:
    """Copy for ever; print what changes. While a place can't be used, what is in *target* stays."""
    before: list[str] = []
    while True:
        problems = []
        try:
            for done in copy(source, target, models, newest, mirror=mirror):
                if done.copied or done.removed:
                    _tell(done)
                problems += done.problems
        except (StoreError, OSError) as error:
            problems.append(str(error))
        for problem in problems if problems != before else ():
            click.echo(problem, err=True)
        before = problems
        time.sleep(seconds)


def _told(done: Copied) -> bool:
    """Print what was done, and return whether there was a problem."""
    _tell(done)
    for problem in done.problems:
        click.echo(problem, err=True)
    return bool(done.problems)


def _tell(done: Copied) -> None:
    parts = (("copied", done.copied), ("there already", done.there), ("removed", done.removed))
    told = [f"{what} {', '.join(map(str, numbers))}" for what, numbers in parts if numbers]
    click.echo(f"{done.model}: {'; '.join(told) or 'nothing to copy'}")
