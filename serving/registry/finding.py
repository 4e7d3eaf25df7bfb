"""Finds the models in a folder, for programs that follow it while models come and go."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.registry.versions import CONTRACT, MODEL_NAME, SAVED_MODEL, scan, why_unfit

MAX_MODELS = 256
"""How many models are found: each takes memory and two threads of every process that serves it."""

WHAT_TO_DO = "publish one, for example with: plumbline train all"
"""What to do about a folder without a model."""

_MAX_LEFT_OUT = 256
_MAX_STAMPED = 8

Stamps = Mapping[int, tuple[object, ...]]
"""By version: what changes if its files are replaced."""


@dataclass(frozen=True)
class Found:
    """The models to serve, with the stamps of their newest versions, and the reasons why others can't be served."""

    models: Mapping[str, Stamps]
    left_out: Mapping[str, str]


class _LeftOut(Exception):
    """A folder can't be served; the message is the reason."""


class ModelFinder:
    """Finds the models in *models_dir*. Contracts are read only of models that are new, or published anew.

    So a model that was found stays so while its folder has a version, and no damaged one costs more than a look.
    """

    def __init__(self, models_dir: Path) -> None:
        self.folder = models_dir
        self._found: dict[str, Stamps] = {}
        self._unfit: dict[str, tuple[Stamps, str]] = {}

    def find(self) -> Found:
        """Look at every folder. Raise OSError if *models_dir* can't be listed."""
        names = [name for name in os.listdir(self.folder) if not name.startswith(".")]
        models: dict[str, Stamps] = {}
        left_out: dict[str, str] = {}
        for name in sorted(names, key=lambda name: (name not in self._found, name)):  # none is pushed out by a new one
            try:
                if (stamps := self._look(name, is_full=len(models) == MAX_MODELS)) is not None:
                    models[name] = stamps
            except _LeftOut as reason:
                left_out[_printable(name)] = str(reason)
        self._found = models
        self._unfit = {name: it for name, it in self._unfit.items() if _printable(name) in left_out}
        return Found(dict(sorted(models.items())), _bounded(left_out))

    @property
    def has_only_unfit(self) -> bool:
        """Whether the last look found versions, but none with a contract that can be read."""
        return bool(self._unfit) and not self._found

    def is_new(self, name: str) -> bool:
        """Return whether there is a folder of this name that the last look did not find."""
        return _is_name(name) and name not in self._found and os.path.isdir(self.folder / name)

    def _look(self, name: str, is_full: bool) -> Stamps | None:
        """Return the stamps of a model, or None for what is none. Raise _LeftOut."""
        path = self.folder / name
        if not os.path.isdir(path):
            if os.path.islink(path):
                raise _LeftOut(f"it is a link to {_printable(os.readlink(path))}, which is not there")
            return None
        if is_full:
            raise _LeftOut(f"at most {MAX_MODELS} models are found in a folder; remove some, or list those to serve")
        is_name = _is_name(name)
        try:
            stamps = _stamps(path)
        except OSError as error:  # what was served may come back; for others than models see `lost+found`
            if name in self._found:
                return self._found[name]
            if is_name:
                raise _LeftOut(f"its folder can't be listed: {error.strerror}") from None
            return None
        if not is_name and stamps:
            raise _LeftOut("expected a model's name of at most 100 small letters, digits, _ and -")
        if not stamps and is_name:
            raise _LeftOut("it has no version yet: expected a folder with a number as its name")
        if stamps and (name not in self._found or is_replaced(self._found[name], stamps)):
            self._check(name, stamps)
        return stamps or None

    def _check(self, name: str, stamps: Stamps) -> None:
        """Raise _LeftOut if no version has a contract that can be read. One that has not changed is not read again."""
        before, reason = self._unfit.get(name, ({}, ""))
        if before != stamps:
            reason = self._why_unfit(name)
        if reason:
            self._unfit[name] = stamps, reason
            raise _LeftOut(reason)

    def _why_unfit(self, name: str) -> str:
        try:
            return why_unfit(self.folder, name)
        except Exception as error:  # it may have kinds of its own, from anyone's package
            return f"its contract can't be read: {error!r:.200}"


def _is_name(name: str) -> bool:
    return bool(MODEL_NAME.fullmatch(name))


def is_replaced(before: Stamps, after: Stamps) -> bool:
    """Return whether it is another model: of the versions that both have, none is the same."""
    common = before.keys() & after.keys()
    return bool(common) and all(before[number] != after[number] for number in common)


def _stamps(folder: Path) -> Stamps:
    """Stamp the newest versions in a folder. Raise OSError if it can't be listed."""
    newest = sorted(scan(folder).items(), reverse=True)[:_MAX_STAMPED]
    return {number: (*_stamp(path / SAVED_MODEL), *_stamp(path / CONTRACT)) for number, path in newest}


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        stat = os.stat(file)
    except OSError:
        return ()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _printable(name: str) -> str:
    """Return a folder's name as text for logs and JSON: the system allows any bytes in it."""
    return name if name.isprintable() else ascii(name)[1:-1]


def _bounded(left_out: Mapping[str, str]) -> dict[str, str]:
    listed = dict(sorted(left_out.items())[:_MAX_LEFT_OUT])
    if more := len(left_out) - len(listed):
        last = max(listed)
        listed[last] += f" ({more} more folders are left out, too)"
    return listed
