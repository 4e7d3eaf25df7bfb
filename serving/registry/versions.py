"""Reading: which versions a model's folder holds, what each says of itself, and which TensorFlow Serving serves."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.contract import Contract
from serving.errors import ContractError
from serving.registry.errors import NoSuchModel

SERVED = 2
"""So many of the newest versions TensorFlow Serving keeps loaded, as `plumbline up` configures it."""

MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""The names that models may have, from folder to URL and metric label."""

SAMPLE = "sample"
"""The name of the data of a model that was trained on a built-in sample."""

SAVED_MODEL = "saved_model.pb"
CONTRACT = "assets.extra/contract.json"
PROMOTED_FROM = "assets.extra/promoted_from.json"


@dataclass(frozen=True)
class PromotedFrom:
    """That a version is a copy of *version*, and which version to go *back_to* from it."""

    version: int
    back_to: int | None
    command: str
    at: str


@dataclass(frozen=True, eq=False)
class Version:
    """A version as found: its contract, or the *problem* why it can't be served."""

    number: int
    path: Path
    contract: Contract | None
    problem: str = ""
    promoted_from: PromotedFrom | None = None

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the model comes from; empty if it does not say."""
        return dict(self.contract.provenance) if self.contract else {}


def entries(folder: Path) -> list[tuple[int, Path]]:
    """List what TensorFlow Serving takes for versions, in the order of names. Raises OSError if it can't be listed.

    That is any child whose whole name is an int64, file or folder: `7`, but also `007` and `-7`.
    """
    numbered = ((_number(child.name), child) for child in sorted(folder.iterdir()))
    return [(number, child) for number, child in numbered if number is not None]


def scan(folder: Path) -> dict[int, Path]:
    """Find the versions in *folder* by number, ascending. Of two names for one number the last in order counts."""
    return dict(sorted(dict(entries(folder)).items())) if folder.is_dir() else {}


def model_names(models_dir: Path) -> list[str]:
    """List the models that have a version. A folder that may not be read, such as a disk's `lost+found`, is none."""
    return sorted(folder.name for folder in models_dir.iterdir() if folder.name[0] != "." and _has_version(folder))


def read_versions(models_dir: Path, model: str) -> list[Version]:
    """Read all versions of *model*, ascending; raises NoSuchModel. A broken one is among them, with its problem."""
    names = model_names(models_dir)
    if model not in names:
        raise NoSuchModel(models_dir, model, names)
    return [_read(model, number, path) for number, path in scan(models_dir / model).items()]


def live_version(models_dir: Path, model: str) -> Version | None:
    """Read the newest version that is not broken: the one that answers, if TensorFlow Serving has loaded it."""
    for number, path in reversed(scan(models_dir / model).items()):
        if not (version := _read(model, number, path)).problem:
            return version
    return None


def state(version: Version, versions: Sequence[Version]) -> str:
    """Say what is to become of *version* among *versions*, under a `latest {num_versions: 2}` policy.

    `newest` is to answer requests; `kept` is to be loaded beside it, for requests under way; `idle` is not; `broken`
    has no readable model or contract. What a model server has loaded can't be seen in its folder.
    """
    if version.problem:
        return "broken"
    if version.number == max(other.number for other in versions if not other.problem):
        return "newest"
    return "kept" if version.number in [other.number for other in versions[-SERVED:]] else "idle"


def is_sample(contract: Contract) -> bool:
    """Whether the model was trained on a built-in sample, so that its answers mean nothing."""
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
        return Version(number, path, None, f"{CONTRACT}: {getattr(error, 'strerror', None) or error}")
    if not (path / SAVED_MODEL).is_file():
        return Version(number, path, contract, f"{SAVED_MODEL} is missing")
    return Version(number, path, contract, promoted_from=_promoted_from(path))


def _contract(model: str, path: Path) -> Contract:
    contract = Contract.from_json((path / CONTRACT).read_bytes())
    if contract.model != model:
        raise ContractError(f"it is the contract of {contract.model}")
    if not (isinstance(contract.provenance, dict) and isinstance(contract.evaluation, dict)):
        raise ContractError("expected objects for provenance and evaluation")
    return contract


def _promoted_from(path: Path) -> PromotedFrom | None:
    try:
        note = PromotedFrom(**json.loads((path / PROMOTED_FROM).read_bytes()))
        return note if isinstance(note.back_to, int | None) else None
    except (OSError, ValueError, TypeError):  # a note for operators only: without it the version serves as well
        return None


def _number(name: str) -> int | None:
    digits = name.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):  # int() would take "1_0", " 1" and "٣"
        return None
    number = int(name)
    return number if -(2**63) <= number < 2**63 else None
