"""The source code that determines a model: the task's own, and those parts of Plumbline that a job imports.

It is found by parsing, not by importing: an import inside a function counts as well. For installed packages that the
user's own code imports, the version counts instead of the source.
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

import plumbline

_OURS = ("training", "serving", "plumbline")
_ENTRY = "training.jobs.training_job"
"""The module whose imports every job runs."""


def code_sha256(module: str) -> str:
    """Return a hash of all source that the task in *module* runs: with other source, a command is another job."""
    digest = hashlib.sha256()
    sources = _sources(module)
    for name, source in sorted(sources.items()):
        digest.update(f"{name}\0{len(source)}\0".encode())
        digest.update(source)
    digest.update(repr(_versions(sources)).encode())
    return digest.hexdigest()


def source_file(module: str) -> Path | None:
    """Return the file of *module*, or None, without importing it."""
    spec = _find(module)
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def _sources(module: str) -> dict[str, bytes]:
    """Return the source of the task's module, of its package's modules, and of all that they import, by module name."""
    package = module.rpartition(".")[0]
    pending = [_ENTRY, module]
    if package.partition(".")[0] not in _OURS:  # users may import their modules by computed names
        pending += _modules_of(package)
    own = {*_OURS, module.partition(".")[0]}
    sources: dict[str, bytes] = {}
    while pending:
        name = pending.pop()
        if name in sources or (spec := _find(name)) is None or not _is_own(name, spec, own):
            continue
        sources[name] = source = _read(spec)
        parents = name.split(".")[:-1]
        pending += [".".join(parents[: end + 1]) for end in range(len(parents))]
        if name == "plumbline":  # which loads by name what it has
            pending += plumbline.HOMES.values()
        pending += _imports(source, name if spec.submodule_search_locations else name.rpartition(".")[0])
    return sources


def _versions(sources: Mapping[str, bytes]) -> list[str]:
    """Return the packages that the user's own modules import, with their versions."""
    theirs = [(name, source) for name, source in sources.items() if name.partition(".")[0] not in _OURS]
    tops = {found.partition(".")[0] for name, source in theirs for found in _imports(source, name)}
    if not tops:  # all is ours: looking at each installed package would take half a second
        return []
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
    """Return the spec of a module, or None, without importing it or its parents."""
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
    if not (spec.has_location and spec.origin):  # built in, or a namespace package
        return False
    folder = Path(spec.origin).parents[name.count(".") + bool(spec.submodule_search_locations)]
    return not _is_installation(folder)


@cache
def _is_installation(folder: Path) -> bool:
    """Return whether *folder* contains installed packages, or the standard library."""
    if folder.name in ("site-packages", "dist-packages") or folder.is_relative_to(sysconfig.get_path("stdlib")):
        return True
    return any(folder.glob("*.dist-info"))  # also of `pip install --target`


def _read(spec: ModuleSpec) -> bytes:
    loader: Any = spec.loader
    if not (spec.has_location and spec.origin and hasattr(loader, "get_data")):
        return b""  # a namespace package
    try:
        source: bytes = loader.get_data(spec.origin)
    except OSError:  # the task can't import this module either
        return b""
    return source


@cache
def _imports(source: bytes, package: str) -> tuple[str, ...]:
    """Return the modules that *source*, in *package*, may import: for `from a import b`, both `a` and `a.b`."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # compiled, or not importable
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
