"""Where parts are written: in the folder itself, or in a folder of this machine from which a store gets them whole."""

import hashlib
import logging
import os
import shutil
import stat
import tempfile
import time
from itertools import chain
from pathlib import Path

from serving.captures.errors import UnusableCaptures
from serving.captures.parts import SUFFIX, WRITTEN
from serving.captures.reader import files_of

_log = logging.getLogger(__name__)

MOST_SPOOLED_BYTES = 256 * 1024 * 1024
_PAUSE_SECONDS = 5.0
_OTHERS_SECONDS = 300
"""A whole part that has waited so long is of a process that was killed."""


class Delivery:
    """Brings whole parts from *folder*, where they are written, to *place*. For a folder there is nothing to do."""

    def __init__(self, place: str) -> None:
        self.place = place.rstrip("/")
        self._files = files_of(place)
        self.is_remote = "://" in place
        self.folder = _spool(self.place) if self.is_remote else Path(place)
        self._waiting: dict[Path, int] = {}
        self._not_before = 0.0

    @property
    def is_full(self) -> bool:
        """Whether no more parts should be written, since the store has not taken those that wait."""
        return sum(self._waiting.values()) > MOST_SPOOLED_BYTES

    def add(self, part: Path, size: int) -> None:
        """Have the whole *part* of *size* bytes be delivered."""
        if self.is_remote:
            self._waiting[part] = size

    def add_left_over(self) -> None:
        """Have the parts be delivered that killed processes left whole; raises OSError."""
        if self.is_remote:
            for part in chain.from_iterable(self.folder.glob(f"*/{kind}/*/[!.]*{SUFFIX}") for kind in WRITTEN):
                status = part.stat()
                if part not in self._waiting and time.time() - status.st_mtime > _OTHERS_SECONDS:
                    self._waiting[part] = status.st_size

    def deliver(self, at_once: bool = False) -> None:
        """Put what waits into the store; after a failure, not before a pause is over unless *at_once*."""
        if not self._waiting or (time.monotonic() < self._not_before and not at_once):
            return
        try:
            for part in list(self._waiting):
                self._put(part)
                self._waiting.pop(part)
        except Exception as error:  # each store has errors of its own
            self._not_before = time.monotonic() + _PAUSE_SECONDS
            _log.warning("%s: %d parts of captures wait for it: %.300s", self.place, len(self._waiting), error)

    def _put(self, part: Path) -> None:
        try:
            with part.open("rb") as file:
                target = f"{self.place}/{part.relative_to(self.folder).as_posix()}"
                self._files.put(target, lambda copy: shutil.copyfileobj(file, copy))
        except FileNotFoundError:  # another process has delivered it
            return
        part.unlink(missing_ok=True)


def _spool(place: str) -> Path:
    """Return this machine's folder for the store; raises UnusableCaptures if somebody else made it."""
    digest = hashlib.sha256(place.encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"plumbline-captures-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise UnusableCaptures(f"{folder}: expected a folder of this user for captures on their way to {place}")
    return folder
