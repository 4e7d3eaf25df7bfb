"""The errors of a models folder; commands print their messages. None is ever sent over the network.

RegistryError
├── NothingPublished     the folder has no model at all
├── NoSuchModel
├── NoSuchVersion
├── NotFitToServe        the requested version must not be served
├── MadeByLaterRelease   a later release published the newest version
├── NothingEarlier       there is no version to roll back to
├── UnreadableConfig     a models.config can't be read
├── DamagedVersion       a version's files are not those that its manifest lists
├── BadSignature         a version has no signature by a trusted key
└── NoNextNumber         the folder's record of numbers is damaged or exhausted
"""

from collections.abc import Sequence
from pathlib import Path

from serving.errors import PlumblineError, shown


class RegistryError(PlumblineError):
    """The base class: catch this to catch all of them."""


class NothingPublished(RegistryError):
    """The models folder has no model at all."""

    def __init__(self, models_dir: Path) -> None:
        super().__init__(f"{models_dir} holds no published model; first run: plumbline train all")


class NoSuchModel(RegistryError):
    """The models folder has no such model."""

    def __init__(self, models_dir: Path, model: str, known: Sequence[str]) -> None:
        super().__init__(f"{models_dir} holds no model '{model}'; there are {', '.join(known) or 'none'}")


class NoSuchVersion(RegistryError):
    """The model has no such version."""

    def __init__(self, model: str, version: int, known: Sequence[int]) -> None:
        super().__init__(f"{model}: there is no version {version}; there are {', '.join(map(str, known))}")


class NotFitToServe(RegistryError):
    """The version is broken, or was trained on a sample and would replace one trained on real data."""

    def __init__(self, model: str, version: int, reason: str) -> None:
        super().__init__(f"{model}: version {version} is not to be served: {reason}")


class MadeByLaterRelease(RegistryError):
    """The newest version was published by a later release, whose contracts this one can't read."""

    def __init__(self, model: str, version: int, problem: str) -> None:
        super().__init__(
            f"{model}: version {version} was published by a later release, and is not to be replaced by this one: "
            f"{problem}; or, if it must go, run: plumbline models quarantine {model} {version}"
        )


class NothingEarlier(RegistryError):
    """There is no earlier version, or none of them may be served."""

    def __init__(self, model: str, live: int, passed_over: Sequence[str]) -> None:
        reasons = "".join(f"; {reason}" for reason in passed_over)
        super().__init__(f"{model}: nothing to roll back to from version {live}{reasons}")


class DamagedVersion(RegistryError):
    """A *file* of a version is not what its manifest says."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{shown(file)[1:-1]}: {problem}")


class BadSignature(RegistryError):
    """The *version* in a folder has no signature by a trusted key, or not of the files that it has."""

    def __init__(self, version: Path, problem: str) -> None:
        super().__init__(f"{version}: {problem}")


class NoNextNumber(RegistryError):
    """The next version's number can't be determined."""

    def __init__(self, path: Path, got: str) -> None:
        super().__init__(f"{path}: expected the highest number ever used, below 2**63 - 1, got '{got}'; write it there")


class UnreadableConfig(RegistryError):
    """A file of TensorFlow Serving's model list can't be read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: expected a models.config, as `plumbline models config` writes it: {problem}")
