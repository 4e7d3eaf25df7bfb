"""Importing the packages that register a model's own layers."""

import importlib
from pathlib import Path

from training.importing.errors import CannotImport, first_line


def import_packages(names: tuple[str, ...]) -> None:
    """Import each package; raises CannotImport if it is not there, or fails."""
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and f"{name}.".startswith(f"{error.name}."):
                raise CannotImport(
                    f"--package: expected a package that can be imported, got '{name}', which is neither installed nor "
                    f"in {Path.cwd()}"
                ) from error
            raise CannotImport(f"--package {name}: it imports '{error.name}', which is not installed") from error
        except Exception as error:  # it is its author's code
            raise CannotImport(f"--package {name}: {type(error).__name__}: {first_line(error)}") from error
