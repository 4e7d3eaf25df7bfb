"""Where accepted feedback is kept: journals and parts on this machine's disk, or parts in an object store."""

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from serving.captures.parts import FEEDBACK, PartName, packed
from serving.captures.reader import files_of
from serving.files import Files
from serving.truth.journal import Journal, recover

_RECOVER_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Store(Protocol):
    """For one thread. Its methods raise OSError."""

    def keep(self, lines: Mapping[str, bytes]) -> None:
        """Keep whole lines by model; they are durable once this returns."""
        ...

    def tidy(self, at_end: bool = False) -> None:
        """Do what should be done from time to time, and *at_end* for the last time."""
        ...


def open_store(place: str) -> Store:
    """Return the store at *place*, a folder or a URL that fsspec opens; raises UnusableCaptures."""
    files = files_of(place)
    return Remote(place, files) if "://" in place else Local(Path(place))


class Local:
    """Journals below *folder*, one for each model that has had feedback just now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journals: dict[str, Journal] = {}
        self._recover_at = 0.0

    def keep(self, lines: Mapping[str, bytes]) -> None:
        """Append to the model's journal."""
        for model, its in lines.items():
            journal = self._journals.get(model) or Journal(self._folder, model)
            self._journals[model] = journal
            try:
                journal.append(its)
            except OSError:
                del self._journals[model]  # whether the disk has what it was given is not known any more
                journal.abandon()
                raise

    def tidy(self, at_end: bool = False) -> None:
        """Make parts of the journals that are due, and once a minute of those that killed processes left."""
        if (now := time.monotonic()) >= self._recover_at:
            self._recover_at = now + _RECOVER_SECONDS
            if count := recover(self._folder):
                _log.warning("feedback: %d journals of processes that were killed became parts", count)
        for model, journal in [*self._journals.items()]:
            if at_end or journal.is_due:
                journal.finish()
                del self._journals[model]


class Remote:
    """Parts in an object store, one for each model and each time that something is kept."""

    def __init__(self, place: str, files: Files) -> None:
        self._place = place.rstrip("/")
        self._files = files

    def keep(self, lines: Mapping[str, bytes]) -> None:
        """Put a part for each model."""
        for model, its in lines.items():
            data = packed(its)
            name = PartName.new(model, FEEDBACK, datetime.now(UTC))
            self._files.put(f"{self._place}/{name.path}", lambda file, data=data: file.write(data))  # type: ignore[misc]

    def tidy(self, at_end: bool = False) -> None:
        """Do nothing."""
