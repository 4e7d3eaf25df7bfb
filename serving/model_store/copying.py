"""Copying: the versions that are missing, each checked on its way; on request those that are gone are removed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from serving.model_store.digests import Files, check
from serving.model_store.errors import AnotherVersion, IncompleteVersion, StoreUnavailable
from serving.model_store.place import Fetch, Place
from serving.registry.errors import DamagedVersion


@dataclass(frozen=True)
class Copied:
    """What was done for a model: the versions that were copied, that were there already, and that were removed.

    A version with a problem was left out: it is damaged, or its number is taken by another.
    """

    model: str
    copied: list[int] = field(default_factory=list)
    there: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def copy(
    source: Place, target: Place, models: Sequence[str] = (), newest: int | None = None, *, mirror: bool = False
) -> Iterator[Copied]:
    """Copy the versions of *models*, or of all, that *target* lacks: all, or the *newest* so many; yield what was done.

    With *mirror* remove from *target* those that *source* does not have, of models that it knows. A version that was
    set aside at *target* is not brought back. Raises StoreUnavailable, DamagedRecord or OSError; what was yielded by
    then is done.
    """
    known = source.models()
    if missing := [model for model in models if model not in known]:
        raise StoreUnavailable(source.name, f"there is no model '{missing[0]}'; there are {', '.join(known) or 'none'}")
    if not known:
        raise StoreUnavailable(source.name, "there is no model to copy")
    for model in models or known:
        yield _copy_model(source, target, model, newest, mirror)


def _copy_model(source: Place, target: Place, model: str, newest: int | None, mirror: bool) -> Copied:
    done = Copied(model)
    wanted = source.numbers(model)[-newest if newest else 0 :]
    before, aside = target.numbers(model), target.set_aside(model)
    for number in wanted:
        if number in aside:
            continue
        try:
            files = source.files(model, number)
            if number in before:
                _check_same(target, model, number, files)
                done.there.append(number)
            else:
                target.add(model, number, files, _fetching(source, model, number, files))
                done.copied.append(number)
        except (DamagedVersion, IncompleteVersion, AnotherVersion) as error:
            done.problems.append(f"{model}: version {number}: {error}")
    for number in set(before) - set(wanted) if mirror else ():
        target.remove(model, number)
        done.removed.append(number)
    target.remember(model, source.highest(model))
    return done


def _check_same(target: Place, model: str, number: int, files: Files) -> None:
    there = target.files(model, number)
    if differs := sorted(path for path in {*files, *there} if files.get(path) != there.get(path)):
        raise AnotherVersion(target.name, differs[0])


def _fetching(source: Place, model: str, number: int, files: Files) -> Fetch:
    def fetch(path: str, local: Path) -> None:
        source.fetch(model, number, path, local)
        check(local, files[path], path)

    return fetch
