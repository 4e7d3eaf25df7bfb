"""Where a model comes from: its code, and the versions of the packages that trained it."""

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
"""Maximum duration of a git command: a repository may be on a slow disk."""
_PACKAGES = ("plumbline", "tensorflow", "keras", "numpy", "pillow")


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that determine a model."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


@dataclass(frozen=True)
class Code:
    """The code that a job runs: a hash of its source, and its git revision.

    *git_revision* is the commit of the repository that contains the task's file, *git_dirty* whether files differ from
    it; both are None without a repository. *plumbline_revision* is Plumbline's own commit.
    """

    sha256: str
    git_revision: str | None
    git_dirty: bool | None
    plumbline_revision: str | None

    def __str__(self) -> str:
        at = f" of commit {self.git_revision[:12]}" if self.git_revision else ""
        return f"code {self.sha256[:12]}{at}{', with changes' if self.git_dirty else ''}"


def code_of(module: str) -> Code:
    """Return the code of the task in *module*, as it is now."""
    ours, file = git_revision(), source_file(module)
    if file is None or file.is_relative_to(_PLUMBLINE):
        return Code(code_sha256(module), ours, _is_dirty(_PLUMBLINE) if _in_repository(_PLUMBLINE) else None, ours)
    if not _in_repository(file):
        return Code(code_sha256(module), None, None, ours)
    return Code(code_sha256(module), _head(file), _is_dirty(file), ours)


def code_of_declaration(path: Path, sha256: str, module: str) -> Code:
    """Return the code of a task that *module* makes of the file at *path*, whose content has this *sha256*."""
    both = hashlib.sha256(f"{code_sha256(module)} {sha256}".encode()).hexdigest()
    path = path.resolve()
    if not _in_repository(path):
        return Code(both, None, None, git_revision())
    return Code(both, _head(path), _is_dirty(path), git_revision())


def git_revision() -> str | None:
    """Return Plumbline's commit, known in a checkout, and in images, which set PLUMBLINE_REVISION; otherwise None."""
    return os.environ.get("PLUMBLINE_REVISION") or (_head(_PLUMBLINE) if _in_repository(_PLUMBLINE) else None)


def _in_repository(path: Path) -> bool:
    """Return whether *path* is part of a repository; a virtual environment may be in one that ignores it."""
    return bool(_git(path, "ls-files", "--cached", "--others", "--exclude-standard", "--", path.name))


def _head(path: Path) -> str | None:
    return _git(path, "rev-parse", "--verify", "HEAD") or None


def _is_dirty(path: Path) -> bool:
    """Return whether a file of the repository was changed, or there is a new Python file in the folder of *path*."""
    changed = _git(path, "status", "--porcelain", "--untracked-files=no")
    return changed != "" or _git(path, "ls-files", "--others", "--exclude-standard", "--", "*.py") != ""


def _git(path: Path, *arguments: str) -> str | None:
    """Run git in the repository around *path*. Return its output, or None if it fails."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(path.parent), *arguments]
    without_locks = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}  # the user may be working there
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, and the path of a module
            command, capture_output=True, text=True, check=False, timeout=_SECONDS, env=without_locks
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Return a short hash of *facts*: the same for equal facts, another for others."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def weights_sha256(model: Any) -> str:
    """Return a hash of a Keras model's weights, in the order of its layers."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()
