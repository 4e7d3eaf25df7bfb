"""The files in which gunicorn's workers share their metrics: reads all of them, and keeps their number small.

prometheus_client keeps each worker's counters in separate files, even after the worker ended, so that no count ever
shrinks. With each restart every scrape would become slower. So when a worker ends, its counts are added to an archive.
`archive.json` says which archive is valid, and which worker in it may still have files. It is replaced atomically, so
each count is found exactly once at any moment, even if this process is killed, and no lock is needed.
"""

import errno
import json
import os
import struct
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.multiprocess import mark_process_dead

from serving.monitoring.adding import merge, totals
from serving.monitoring.reserved_files import ReservedFile

EXEMPLARS = "exemplars_"
_POINTER = "archive.json"
_KINDS = ("counter", "histogram")
_ATTEMPTS = 20
_PAUSE_SECONDS = 0.005
"""How often a read is repeated because a worker ended meanwhile, and how much longer each pause is."""


@dataclass(frozen=True)
class _Pointer:
    """The archive's number, and the worker whose counts it has while that worker's files may still exist."""

    archive: int = 0
    ended: int | None = None


def read(folder: Path) -> tuple[list[Metric], int]:
    """Add up the metrics of all workers, live and ended. Return them and the number of files."""
    for attempt in range(_ATTEMPTS):
        time.sleep(attempt * _PAUSE_SECONDS)
        before = _pointer(folder)
        files = _present(folder, before)
        try:
            metrics = merge(files)
        except (FileNotFoundError, struct.error):  # of a worker that just ended or started
            continue
        if _pointer(folder) == before:
            return metrics, len(files)
    raise RuntimeError(f"{folder}: workers end faster than their metrics can be read")


def worker_ended(folder: Path, pid: int) -> None:
    """Move the worker's counts into the archive, and remove it from the gauges. Only one process may do this.

    Raise OSError if there is no room for the archive: the counts then stay in the worker's files.
    """
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    (folder / exemplars_file(pid)).unlink(missing_ok=True)
    pointer = _cleaned(folder, _pointer(folder))  # if this was interrupted before
    ended = [file for file in _present(folder, pointer) if _owner(file) == str(pid)]
    if not ended:
        return
    following = _Pointer(pointer.archive + 1, pid)
    for kind in _KINDS:
        archived = folder / f"{kind}_{_name(pointer)}.db"
        files = [file for file in (archived, *ended) if file.name.startswith(f"{kind}_") and _is_written(file)]
        _write(folder / f"{kind}_{_name(following)}.db", files)
    _point(folder, following)
    _cleaned(folder, following)


def exemplars_file(pid: int) -> str:
    """Return the name of the file with a worker's exemplars."""
    return f"{EXEMPLARS}{pid}.json"


def wipe(folder: Path) -> None:
    """Remove all metrics."""
    for file in (file for kind in ("db", "json", "tmp") for file in folder.glob(f"*.{kind}")):
        file.unlink(missing_ok=True)


def write_atomically(path: Path, document: object) -> None:
    """Write JSON so that readers see all of it, or the former content. Raise OSError if there is no room for it."""
    aside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        aside.write_text(json.dumps(document), "utf-8")
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def _present(folder: Path, pointer: _Pointer) -> list[Path]:
    """List the files that are valid."""

    def is_valid(owner: str) -> bool:
        return owner == _name(pointer) if owner.startswith("archive") else owner != str(pointer.ended)

    return [file for file in sorted(folder.glob("*.db")) if is_valid(_owner(file))]


def _cleaned(folder: Path, pointer: _Pointer) -> _Pointer:
    """Remove invalid files, and then their worker from the pointer, since its process id may be used again."""
    for file in {*folder.glob("*.db")}.difference(_present(folder, pointer)):
        file.unlink(missing_ok=True)
    if pointer.ended is None:
        return pointer
    clean = _Pointer(pointer.archive)
    _point(folder, clean)
    return clean


def _is_written(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _write(path: Path, files: Iterable[Path]) -> None:
    path.unlink(missing_ok=True)  # partly written, if this was interrupted before
    archive = ReservedFile(str(path))
    for key, value in totals(files).items():
        archive.write_value(key, value, 0.0)
    archive.close()
    if archive.unwritten:
        path.unlink(missing_ok=True)
        raise OSError(errno.ENOSPC, "no room to archive the counts of a worker that ended", str(path))


def _pointer(folder: Path) -> _Pointer:
    try:
        return _Pointer(**json.loads((folder / _POINTER).read_text("utf-8")))
    except FileNotFoundError:
        return _Pointer()


def _point(folder: Path, pointer: _Pointer) -> None:
    write_atomically(folder / _POINTER, asdict(pointer))


def _name(pointer: _Pointer) -> str:
    return f"archive-{pointer.archive}"


def _owner(file: Path) -> str:
    """Return the process id of the worker whose file it is, or an archive's name."""
    return file.stem.rpartition("_")[2]
