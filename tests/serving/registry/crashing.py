"""Killed before each of its changes to the disc in turn, a command leaves a models folder as before, or done.

A program of its own (`python -m`), as forking is safe only where no threads are. Ends with 0 if all is well.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from serving.registry import promote, prune, rollback
from tests.serving.killing import killed
from tests.serving.registry.folders import MODEL, content, incomplete, numbers, publish_version

BEFORE = "abcd"
COMMANDS: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "publish": (lambda models: publish_version(models, "e"), {"abcd", "abcde"}),
    "promote": (lambda models: promote(models, MODEL, 1), {"abcd", "abcda"}),
    "rollback": (lambda models: rollback(models, MODEL), {"abcd", "abcdc"}),
    "prune": (lambda models: prune(models, MODEL, 2), {"abcd", "bcd", "cd"}),
}


def main(folder: Path) -> None:
    os.fsync = lambda descriptor: None  # a process that is killed loses nothing that it wrote; this only saves time
    template = folder / "template"
    for letter in BEFORE:
        publish_version(template, letter)
    for name, (command, allowed) in COMMANDS.items():
        calls = 0
        while _killed(command, calls, shutil.copytree(template, folder / f"{name}{calls}")):
            _check(folder / f"{name}{calls}", allowed)
            calls += 1
        assert calls > 10, f"{name} made only {calls} changes"
        print(f"{name}: killed before each of {calls} changes")


def _killed(command: Callable[[Path], object], calls: int, models: Path) -> bool:
    return killed(lambda: command(models), calls)


def _check(models: Path, allowed: set[str]) -> None:
    assert incomplete(models) == []
    there = numbers(models)
    assert "".join(content(models, number) for number in there) in allowed, there
    assert publish_version(models, "f") > there[-1]
    assert [path.name for path in (models / ".staging").iterdir()] == ["lock"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
