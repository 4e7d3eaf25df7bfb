"""Where a model comes from: the versions of what made it."""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.publishing.sources import code_sha256, source_file

_PLUMBLINE = Path(__file__).parents[1]
_SECONDS = 30
"""After these, git is not waited for: a repository may lie on a slow disc."""
_PACKAGES = ("plumbline", "tensorflow", "keras", "numpy", "pillow")


def package_versions() -> dict[str, str]:
    """List the versions of the packages that decide about a model."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


@dataclass(frozen=True)
class Code:
    """The code that a job runs: a fingerprint of its source, and where in its author's history it stands.

    *git_revision* is the commit of the repository that holds the task's file, *git_dirty* whether the files differ
    from it; None where there is none. *plumbline_revision* is Plumbline's own commit.
    """

    sha256: str
    git_revision: str | None
    git_dirty: bool | None
    plumbline_revision: str | None

    def __str__(self) -> str:
        at = f" of commit {self.git_revision[:12]}" if self.git_revision else ""
        return f"code {self.sha256[:12]}{at}{', with changes' if self.git_dirty else ''}"


def code_of(module: str) -> Code:
    """Tell the code of the task in *module* as it is now."""
    ours, file = git_revision(), source_file(module)
    if file is None or file.is_relative_to(_PLUMBLINE):
        return Code(code_sha256(module), ours, _is_dirty(_PLUMBLINE) if _in_repository(_PLUMBLINE) else None, ours)
    if not _in_repository(file):
        return Code(code_sha256(module), None, None, ours)
    return Code(code_sha256(module), _head(file), _is_dirty(file), ours)


def git_revision() -> str | None:
    """Tell Plumbline's commit, if it runs from a checkout or an image that tells it in PLUMBLINE_REVISION."""
    return os.environ.get("PLUMBLINE_REVISION") or (_head(_PLUMBLINE) if _in_repository(_PLUMBLINE) else None)


def _in_repository(path: Path) -> bool:
    """Tell whether *path* belongs to a repository; an environment may lie in one that leaves it out."""
    return bool(_git(path, "ls-files", "--cached", "--others", "--exclude-standard", "--", path.name))


def _head(path: Path) -> str | None:
    return _git(path, "rev-parse", "--verify", "HEAD") or None


def _is_dirty(path: Path) -> bool:
    """Tell whether a file of the repository was changed, or there is a new one with code beside *path*."""
    changed = _git(path, "status", "--porcelain", "--untracked-files=no")
    return changed != "" or _git(path, "ls-files", "--others", "--exclude-standard", "--", "*.py") != ""


def _git(path: Path, *arguments: str) -> str | None:
    """Ask git about the repository around *path*; None where there is no answer."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(path.parent), *arguments]
    without_locks = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}  # the user may be at work there
    try:
        done = subprocess.run(  # noqa: S603 - our own words, and the path of a module
            command, capture_output=True, text=True, check=False, timeout=_SECONDS, env=without_locks
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Give a short name to *facts*: equal ones have the same, others have another."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def weights_sha256(model: Any) -> str:
    """Fingerprint the weights of a Keras model, in the order of its layers."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()
