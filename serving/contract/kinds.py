"""Closed tables of kinds. A kind that a contract names but this release does not know is refused."""

from collections.abc import Mapping
from reprlib import repr as shortened
from typing import TypeVar

from serving.errors import ContractError

T = TypeVar("T")


def find_kind(kinds: Mapping[str, T], kind: str, what: str) -> T:
    """Look up a *kind* of *what*; raises ContractError with the kinds there are."""
    try:
        return kinds[kind]
    except KeyError:
        known = ", ".join(kinds)
        advice = "update this installation, or train the model again with it"
        raise ContractError(
            f"the contract has an unknown {what} kind {shortened(kind)}; there are {known}: {advice}"
        ) from None
