"""Importing task files, which are their authors' code: what goes wrong in them is told with its file and line."""

import ast
import importlib
import pkgutil
import traceback
from pathlib import Path
from types import ModuleType

import plumbline
from training.errors import BadRequest

_OURS = ("serving", "training")


def imported(module: str) -> ModuleType:
    """Import *module*; raises BadRequest, with the place in the author's code."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BadRequest(_problem(module, error)) from error
    except Exception as error:
        file, line = _place(error)
        raise BadRequest(f"{file}, line {line}: {type(error).__name__}: {error}") from error


def module_names(package: str) -> tuple[str, ...]:
    """Return the names of the modules in *package*, sorted. Raises BadRequest if it is not a package."""
    folder = getattr(imported(package), "__path__", None)
    if folder is None:
        raise BadRequest(f"--tasks {package}: expected a package, which is a folder of modules, got a module")
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folder)))


def training_order(package: str) -> tuple[str, ...]:
    """Return the same names, first those in the package's QUICKEST_FIRST, if it has one. Raises BadRequest."""
    names = module_names(package)
    first = [name for name in getattr(imported(package), "QUICKEST_FIRST", ()) if name in names]
    return (*first, *(name for name in names if name not in first))


def clash(package: str) -> str:
    """Return what to do if *package* is the author's and its first part is called like a package of Plumbline's."""
    top = package.partition(".")[0]
    return plumbline.clash(top) if top in _OURS else ""


def _problem(module: str, error: ImportError) -> str:
    file, line = _place(error)
    name = error.name or ""
    if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{name}."):
        hint = clash(name)
        return f"--tasks: package '{name}' not found, neither installed nor in {Path.cwd()}" + (hint and f": {hint}")
    if name.partition(".")[0] in _OURS:
        return f"{file}, line {line}: {error}: {clash(name) or _public(file, line)}"
    if isinstance(error, ModuleNotFoundError):
        return f"{file}, line {line}: can't import '{name}', which is not installed"
    return f"{file}, line {line}: {error}"


def _public(file: str, line: int) -> str:
    """Return how to import the same names, wherever in Plumbline they are now."""
    nodes = [node for node in ast.walk(ast.parse(Path(file).read_bytes())) if isinstance(node, ast.ImportFrom)]
    names = [alias.name for node in nodes if node.lineno == line for alias in node.names]
    known = ", ".join(name for name in names if name in plumbline.HOMES)
    return f"modules of Plumbline may move between releases; write `from plumbline import {known or '...'}`"


def _place(error: BaseException) -> tuple[str, int]:
    """Return file and line of the author's code in which an import failed."""
    if isinstance(error, SyntaxError):
        return error.filename or "", error.lineno or 0
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if "importlib" not in frame.filename and frame.filename != plumbline.__file__]
    return theirs[-1].filename, theirs[-1].lineno or 0
