"""An object store in place of a models folder that many can mount: versions are fetched first, and delivered last.

A job works in a folder of its own. It needs what is live, to compare with it, and numbers that were never used.
"""

from collections.abc import Iterable
from pathlib import Path

from serving.model_store import Place, StoreError, UnusableAddress, copy, place_of
from serving.process.exit_codes import ExitCode
from serving.registry import RegistryError
from training.errors import TrainingError


class CannotUseStore(TrainingError):
    """The store can't be read or written, or another job has published the same number. The job can be run again."""

    exit_code = ExitCode.RETRY

    def __init__(self, url: str, problem: object) -> None:
        super().__init__(f"--store {url}: {problem}")


class NoSuchStore(TrainingError):
    """No store can have this address."""

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, problem: object) -> None:
        super().__init__(f"--store {problem}")


def fetch(url: str, models_dir: Path, models: Iterable[str]) -> None:
    """Copy to *models_dir* the versions of *models* that the store has and the folder lacks.

    Raises CannotUseStore or NoSuchStore.
    """
    try:
        store = place_of(url)
        if known := sorted(set(models) & set(store.models())):
            _copy(url, store, place_of(str(models_dir)), known)
    except UnusableAddress as error:
        raise NoSuchStore(error) from error
    except (StoreError, RegistryError, OSError) as error:
        raise CannotUseStore(url, error) from error


def deliver(url: str, models_dir: Path, model: str) -> None:
    """Copy to the store the versions of *model* that it lacks. Raises CannotUseStore."""
    try:
        _copy(url, place_of(str(models_dir)), place_of(url), [model])
    except (StoreError, RegistryError, OSError) as error:
        raise CannotUseStore(url, error) from error


def _copy(url: str, source: Place, target: Place, models: list[str]) -> None:
    for done in copy(source, target, models):
        if done.problems:
            raise CannotUseStore(url, done.problems[-1])
