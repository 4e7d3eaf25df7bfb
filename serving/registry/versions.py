"""Reading: the versions in a model's folder, their contracts, and which of them TensorFlow Serving serves."""

import errno
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.contract import Contract
from serving.errors import ContractError, LaterSchema
from serving.registry.errors import MadeByLaterRelease, NoSuchModel

SERVED = 2
"""The number of newest versions that TensorFlow Serving keeps loaded, as Plumbline configures it."""

MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
"""The valid names of models, which are folders, parts of URLs and labels of metrics."""

SAMPLE = "sample"
"""The name of the data in a contract of a model that was trained on a built-in sample."""

SAVED_MODEL = "saved_model.pb"
CONTRACT = "assets.extra/contract.json"
"""The contract's file in a version's folder."""
_MAX_CONTRACT_BYTES = 256 * 1024 * 1024
PROMOTED_FROM = "assets.extra/promoted_from.json"


@dataclass(frozen=True)
class PromotedFrom:
    """The note in a copy of *version*; a rollback from the copy goes *back_to* another version."""

    version: int
    back_to: int | None
    command: str
    at: str


@dataclass(frozen=True, eq=False)
class Version:
    """A version in a models folder: its contract, or the *problem* for which it can't be served."""

    number: int
    path: Path
    contract: Contract | None
    problem: str = ""
    is_later: bool = False  # the problem is that a later release wrote it
    promoted_from: PromotedFrom | None = None

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the model comes from; empty if unknown."""
        return dict(self.contract.provenance) if self.contract else {}


def entries(folder: Path) -> list[tuple[int, Path]]:
    """List the versions that TensorFlow Serving sees in *folder*, in the order of names. Raises OSError.

    These are all files and folders whose whole name is an int64: `7`, but also `007` and `-7`.
    """
    numbered = ((_number(child.name), child) for child in sorted(folder.iterdir()))
    return [(number, child) for number, child in numbered if number is not None]


def scan(folder: Path) -> dict[int, Path]:
    """Return the versions in *folder* by number, ascending. Of two names for one number the last in order counts."""
    return dict(sorted(dict(entries(folder)).items())) if folder.is_dir() else {}


def model_names(models_dir: Path) -> list[str]:
    """List the models that have a version; unreadable folders, such as `lost+found`, are skipped."""
    return sorted(folder.name for folder in models_dir.iterdir() if folder.name[0] != "." and _has_version(folder))


def read_versions(models_dir: Path, model: str) -> list[Version]:
    """Read all versions of *model*, ascending, including broken ones; raises NoSuchModel."""
    names = model_names(models_dir)
    if model not in names:
        raise NoSuchModel(models_dir, model, names)
    return [_read(model, number, path) for number, path in scan(models_dir / model).items()]


def live_version(models_dir: Path, model: str) -> Version | None:
    """Read the newest version that is not broken: the one that answers, if TensorFlow Serving has loaded it."""
    return next((version for version in _newest_first(models_dir, model) if not version.problem), None)


def replaced_version(models_dir: Path, model: str) -> Version | None:
    """Read the live version for whoever is going to replace it.

    Raises MadeByLaterRelease: a newer version that this release can't read may be live, and would be rolled back.
    """
    for version in _newest_first(models_dir, model):
        if version.is_later:
            raise MadeByLaterRelease(model, version.number, version.problem)
        if not version.problem:
            return version
    return None


def _newest_first(models_dir: Path, model: str) -> Iterator[Version]:
    return (_read(model, number, path) for number, path in reversed(scan(models_dir / model).items()))


def why_unfit(models_dir: Path, model: str) -> str:
    """Return why no version of *model* can be served, which is what is wrong with the newest; empty if one can."""
    newest = ""
    for number, path in reversed(scan(models_dir / model).items()):
        version = _read(model, number, path)
        if not version.problem:
            return ""
        newest = newest or f"version {number} is not to be served: {version.problem}"
    return newest or "it has no version"


def read_contract(version: Path) -> bytes:
    """Read the JSON of the contract in a version's folder. Raise OSError, also if it is no file or too large."""
    path = version / CONTRACT
    if path.exists() and not path.is_file():  # reading a pipe would never end
        raise OSError(errno.EINVAL, "expected a file", str(path))
    if path.stat().st_size > _MAX_CONTRACT_BYTES:
        raise OSError(errno.EFBIG, f"expected at most {_MAX_CONTRACT_BYTES} bytes", str(path))
    return path.read_bytes()


def newest_fit(versions: Sequence[Version]) -> Version | None:
    """Return the newest of *versions*, which ascend, that is not broken."""
    return next((version for version in reversed(versions) if not version.problem), None)


def state(version: Version, versions: Sequence[Version]) -> str:
    """Return what should become of *version* among *versions*, under a `latest {num_versions: 2}` policy.

    `newest` should answer requests; `kept` should stay loaded for requests in progress; `idle` should not be loaded;
    `broken` has no readable model or contract. The folder does not show what a model server has loaded.
    """
    if version.problem:
        return "broken"
    newest = newest_fit(versions)
    if newest and version.number == newest.number:
        return "newest"
    return "kept" if version.number in [other.number for other in versions[-SERVED:]] else "idle"


def is_sample(contract: Contract) -> bool:
    """Return whether the model was trained on a built-in sample, so that its answers are meaningless."""
    return bool(contract.provenance.get("data") == SAMPLE)


def _has_version(folder: Path) -> bool:
    try:
        return bool(scan(folder))
    except PermissionError:
        return False


def _read(model: str, number: int, path: Path) -> Version:
    try:
        contract = _contract(model, path)
    except (OSError, ContractError) as error:
        problem = f"{CONTRACT}: {getattr(error, 'strerror', None) or error}"
        return Version(number, path, None, problem, isinstance(error, LaterSchema))
    if not (path / SAVED_MODEL).is_file():
        return Version(number, path, contract, f"{SAVED_MODEL} is missing")
    return Version(number, path, contract, promoted_from=_promoted_from(path))


def _contract(model: str, path: Path) -> Contract:
    contract = Contract.from_json(read_contract(path))
    if contract.model != model:
        raise ContractError(f"it is the contract of {contract.model}")
    return contract


def _promoted_from(path: Path) -> PromotedFrom | None:
    try:
        note = PromotedFrom(**json.loads((path / PROMOTED_FROM).read_bytes()))
        return note if isinstance(note.back_to, int | None) else None
    except (OSError, ValueError, TypeError):  # the note is only for operators: the version can be served without it
        return None


def _number(name: str) -> int | None:
    digits = name.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):  # int() would accept "1_0", " 1" and "٣"
        return None
    number = int(name)
    return number if -(2**63) <= number < 2**63 else None
