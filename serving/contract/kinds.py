"""Tables of kinds: what a contract names is looked up here, and what this installation lacks is refused in words.

A contract holds names and JSON, never code. Kinds of one's own come in a package with an entry point in the group
`plumbline.encoders` or `plumbline.heads`; the contract then names that package and its version.
"""

import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from reprlib import repr as shortened
from typing import Any, TypeVar

from serving.contract import states
from serving.errors import ContractError

T = TypeVar("T")


def find_kind(kinds: Mapping[str, type[T]], what: str, state: Mapping[str, Any]) -> type[T]:
    """Return the kind of *what* that *state* names; raises ContractError if it is neither known nor installed."""
    kind = states.text(state, "kind")
    if (package := _named_package(state)) is None:
        if kind in kinds:
            return kinds[kind]
        advice = "update this installation, or train the model again with it"
        raise ContractError(
            f"the contract has an unknown {what} kind {shortened(kind)}; there are {', '.join(kinds)}: {advice}"
        )
    for entry in entry_points(group=f"plumbline.{what}s", name=kind):
        if _plain(_package(entry)["name"]) == _plain(package["name"]):
            loaded: type[T] = _loaded(entry, what, _words(package, entry))
            return loaded
    raise ContractError(
        f"the {what} kind {shortened(kind)} needs the package {_words(package)}, which is not installed here"
    )


def read_kind(kinds: Mapping[str, type[Any]], what: str, state: Mapping[str, Any], own: Mapping[str, Any]) -> Any:
    """Return what the kind that *state* names makes of its *own* values; raises ContractError, or what its kind does.

    Whatever a package's own kind raises becomes a ContractError: it must not stop a gateway.
    """
    kind = find_kind(kinds, what, state)
    if (package := _named_package(state)) is None:
        return kind.from_state(own)
    try:
        return kind.from_state(own)
    except (states.Misfit, ContractError):
        raise
    except Exception as error:
        raise ContractError(f"the {what} kind '{state['kind']}' of {_words(package)} fails: {error!r:.200}") from error


def kind_to_json(kinds: Mapping[str, type[T]], what: str, kind: type[T], name: str) -> dict[str, Any]:
    """Return what `find_kind` finds *kind* by; raises ContractError if it is nobody's entry point."""
    if kinds.get(name) is kind:
        return {"kind": name}
    for entry in entry_points(group=f"plumbline.{what}s", name=name):
        if entry.load() is kind:
            return {"kind": name, "package": _package(entry)}
    raise ContractError(
        f"the {what} kind '{name}' ({kind.__module__}.{kind.__qualname__}) is no entry point plumbline.{what}s of an "
        "installed package: no gateway would find it"
    )


def _named_package(state: Mapping[str, Any]) -> dict[str, str] | None:
    if state.get("package") is None:
        return None
    package = states.mapping(state, "package")
    return {name: states.text(package, name) for name in ("name", "version")}


def _words(package: Mapping[str, str], entry: EntryPoint | None = None) -> str:
    """Return the package that the contract names, and the version that is installed if that is another."""
    installed = _package(entry)["version"] if entry else package["version"]
    other = "" if installed == package["version"] else f" (installed here: {installed})"
    return f"{package['name']} {package['version']}{other}"


def _plain(name: str) -> str:
    """Return a package's name as registries compare it: builders spell one in several ways."""
    return re.sub("[-_.]+", "-", name).lower()


def _loaded(entry: EntryPoint, what: str, named: str) -> Any:
    try:
        return entry.load()
    except Exception as error:  # a stranger's module may raise anything
        raise ContractError(f"the {what} kind '{entry.name}' of {named} can't be imported: {error}") from error


def _package(entry: EntryPoint) -> dict[str, str]:
    return {"name": entry.dist.name, "version": entry.dist.version} if entry.dist else {"name": "", "version": ""}
