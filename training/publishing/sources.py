"""The source of the code that decides about a model: a task's own, and Plumbline's, as far as a job reaches it.

It is found by reading, not by running: an import inside a function counts as one at the top does. Of packages that are
installed beside the user's own code, the version counts.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import pkgutil
import sysconfig
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

_OURS = ("training", "serving")
_ENTRY = "training.jobs.training_job"
"""Whose imports are what any job runs."""


def code_sha256(module: str) -> str:
    """Fingerprint all source that the task in *module* runs on: with another, the same command is another job."""
    digest = hashlib.sha256()
    sources = _sources(module)
    for name, source in sorted(sources.items()):
        digest.update(f"{name}\0{len(source)}\0".encode())
        digest.update(source)
    digest.update(repr(_versions(sources)).encode())
    return digest.hexdigest()


def source_file(module: str) -> Path | None:
    """Find the file of *module*, without importing it."""
    spec = _find(module)
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def _sources(module: str) -> dict[str, bytes]:
    """Read the source of the task's module, of all modules of its package, and of all of their own imports, by name."""
    package = module.rpartition(".")[0]
    waiting = [_ENTRY, module]
    if package.partition(".")[0] not in _OURS:  # others may import their modules by names that are made up
        waiting += _modules_of(package)
    own = {*_OURS, module.partition(".")[0]}
    sources: dict[str, bytes] = {}
    while waiting:
        name = waiting.pop()
        if name in sources or (spec := _find(name)) is None or not _is_own(name, spec, own):
            continue
        sources[name] = source = _read(spec)
        parents = name.split(".")[:-1]
        waiting += [".".join(parents[: end + 1]) for end in range(len(parents))]
        waiting += _imports(source, name if spec.submodule_search_locations else name.rpartition(".")[0])
    return sources


def _versions(sources: Mapping[str, bytes]) -> list[str]:
    """List what packages the user's own modules import, with their versions."""
    theirs = [(name, source) for name, source in sources.items() if name.partition(".")[0] not in _OURS]
    tops = {found.partition(".")[0] for name, source in theirs for found in _imports(source, name)}
    packages = importlib.metadata.packages_distributions()
    names = {package for top in tops for package in packages.get(top, ())}
    return sorted(f"{it.name} {it.version}" for it in importlib.metadata.distributions() if it.name in names)


def _modules_of(package: str) -> list[str]:
    spec = _find(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = []
    for each in pkgutil.iter_modules(folders):
        name = f"{package}.{each.name}"
        found += [name, *(_modules_of(name) if each.ispkg else ())]
    return found


def _find(name: str) -> ModuleSpec | None:
    """Find a module without importing it or its parents."""
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # __main__ has none
        return None
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(f"{spec.name}.{part}", list(spec.submodule_search_locations))
    return spec


def _is_own(name: str, spec: ModuleSpec, own: set[str]) -> bool:
    top = name.partition(".")[0]
    if top in own:
        return True
    if not (spec.has_location and spec.origin):  # built in, or a namespace of many places
        return False
    folder = Path(spec.origin).parents[name.count(".") + bool(spec.submodule_search_locations)]
    return not _is_installation(folder)


@cache
def _is_installation(folder: Path) -> bool:
    """Tell whether packages are installed in *folder*, or Python's own."""
    if folder.name in ("site-packages", "dist-packages") or folder.is_relative_to(sysconfig.get_path("stdlib")):
        return True
    return any(folder.glob("*.dist-info"))  # of `pip install --target`, too


def _read(spec: ModuleSpec) -> bytes:
    loader: Any = spec.loader
    if not (spec.has_location and spec.origin and hasattr(loader, "get_data")):
        return b""  # a package without a file of its own
    try:
        source: bytes = loader.get_data(spec.origin)
    except OSError:  # a module that the task can't import either
        return b""
    return source


@cache
def _imports(source: bytes, package: str) -> tuple[str, ...]:
    """List what *source*, in *package*, may import: of `from a import b`, both `a` and `a.b`."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # compiled, or a file that nobody can import
        return ()
    return tuple(name for node in ast.walk(tree) for name in _named(node, package))


def _named(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parents = package.split(".")
        base = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
        name = ".".join(filter(None, (base, node.module)))
        yield from (name, *(f"{name}.{alias.name}" for alias in node.names))
