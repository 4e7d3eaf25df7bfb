"""Keeps a copy of a weights document in a file."""

import threading
from collections.abc import Callable
from pathlib import Path

from serving.catalog.weights import InvalidWeights, parse
from serving.process.durable_files import replace
from serving.rollout.errors import WeightsUnavailable
from serving.rollout.weights_place import WeightsPlace


def keep_copy(place: WeightsPlace, path: Path, every: float, stop: threading.Event, say: Callable[[str], None]) -> None:
    """Write what *place* has to the file *path* whenever it changes, until *stop* is set.

    It is looked at *every* so many seconds. A document with a mistake is not copied; *say* is told each problem once.
    """
    copied: str | None = None
    told = ""
    while True:
        problem = ""
        try:
            copied = _copied(place.read(), path, copied)
        except (WeightsUnavailable, InvalidWeights, OSError) as error:
            problem = str(error)
        if problem != told:
            say(problem or "the weights can be read again")
            told = problem
        if stop.wait(every):
            return


def _copied(text: str, path: Path, before: str | None) -> str:
    parse(text)
    if text != before:
        replace(path, lambda file: file.write(text.encode()))
    return text
