"""Packages that only `plumbline[batch]` installs, imported when needed."""

from importlib import import_module
from typing import Any

from serving.batch.errors import BadInput


def extra(module: str, purpose: str) -> Any:
    """Import *module*; raises BadInput that says what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        missing = module.partition(".")[0]
        raise BadInput(f"{purpose} needs {missing}, which is not installed: pip install 'plumbline[batch]'") from error
