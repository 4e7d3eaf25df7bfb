"""Finds runs in the reports folder, where each has `<model>/<time>/`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

from training.runs.errors import AmbiguousRun, NoReports, UnknownRun, UnreadableRun
from training.runs.run import FILE, NAME, Run, read_run

LATEST = "latest"
MOST_READ = 1_000
"""So many of the newest runs are read to find a version."""
_SHOWN = 5


def folders(reports: Path, model: str | None = None) -> list[Path]:
    """Return the folders of all runs, or of those of *model*, the newest first. Raises NoReports and UnknownRun."""
    if not reports.is_dir():
        raise NoReports(reports)
    models = [path for path in _inside(reports) if model is None or path.name == model]
    if model is not None and not models:
        raise UnknownRun(f"model '{model}'", reports, sorted(path.name for path in _inside(reports))[:_SHOWN])
    found = [run for path in models for run in _runs(path, model is None)]
    return sorted(found, key=lambda run: (run.name, run.parent.name), reverse=True)


def find(reports: Path, named: str) -> Run:
    """Return the run that is *named*. Raises NoReports, UnknownRun, AmbiguousRun or UnreadableRun.

    A name is `latest`, `MODEL@latest`, `MODEL@VERSION`, a unique beginning of the run's time, also as `MODEL/TIME`, or
    the path of its folder.
    """
    with suppress(OSError):  # a name too long for a path
        if (Path(named) / FILE).is_file():
            return read_run(Path(named))
    model, at, version = named.rpartition("@")
    if at and version != LATEST:
        return _of_version(reports, model, version, named)
    if version == LATEST:
        return read_run(_first(folders(reports, model or None), named, reports))
    model, _, beginning = named.rpartition("/")
    everything = folders(reports, model or None)
    matching = [run for run in everything if run.name.startswith(beginning)]
    if len(matching) > 1:
        raise AmbiguousRun(named, _listed(matching))
    return read_run(_first(matching, named, reports, everything))


def _of_version(reports: Path, model: str, version: str, named: str) -> Run:
    every = folders(reports, model)
    found = [run for run in _readable(every[:MOST_READ]) if str(run.version) == version]
    if len(found) > 1:  # of several models folders, say
        raise AmbiguousRun(named, _listed([run.folder for run in found]))
    if not found:
        raise UnknownRun(f"'{named}'", reports, _listed(every))
    return found[0]


def _readable(every: Sequence[Path]) -> Iterator[Run]:
    for folder in every:
        try:
            yield read_run(folder)
        except UnreadableRun:  # one that is damaged is none of the version that is looked for
            continue


def _first(found: Sequence[Path], named: str, reports: Path, others: Sequence[Path] = ()) -> Path:
    if not found:
        raise UnknownRun(f"'{named}'", reports, _listed(others))
    return found[0]


def _listed(every: Sequence[Path]) -> list[str]:
    return [f"{folder.parent.name}/{folder.name}" for folder in every[:_SHOWN]]


def _runs(model: Path, among_others: bool) -> Iterator[Path]:
    with suppress(NoReports) if among_others else nullcontext():  # such as lost+found: it hides no other
        yield from (path for path in _inside(model) if NAME.fullmatch(path.name))


def _inside(folder: Path) -> list[Path]:
    """Return the folders in *folder*. Raises NoReports."""
    try:
        with os.scandir(folder) as entries:
            return [Path(entry) for entry in entries if _is_folder(entry)]
    except OSError as error:
        raise NoReports(folder, str(error.strerror)) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False
