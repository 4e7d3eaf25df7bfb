"""Where a model comes from: the versions of what made it."""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PACKAGES = ("plumbline", "tensorflow", "keras", "numpy", "pillow")


def package_versions() -> dict[str, str]:
    """List the versions of the packages that decide about a model."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def git_revision() -> str | None:
    """Give the commit of the code, if it runs from a checkout or an image that tells it in PLUMBLINE_REVISION."""
    if told := os.environ.get("PLUMBLINE_REVISION"):
        return told
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own constant words
    return done.stdout.strip() or None


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Give a short name to *facts*: equal ones have the same, others have another."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def weights_sha256(model: Any) -> str:
    """Fingerprint the weights of a Keras model, in the order of its layers."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()
