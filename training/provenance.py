"""Where a model comes from: the versions of what made it."""

import importlib.metadata
import shutil
import subprocess
from pathlib import Path

_PACKAGES = ("plumbline", "tensorflow", "keras", "numpy", "pillow")


def package_versions() -> dict[str, str]:
    """List the versions of the packages that decide about a model."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def git_revision() -> str | None:
    """Give the commit of the code, if it runs from a checkout."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own constant words
    return done.stdout.strip() or None
