"""Reads the contracts that versions carry, and shares them among processes."""

from collections.abc import Iterator
from contextlib import contextmanager

from serving.contract import Contract, InstanceLimits
from serving.errors import ContractError, InvalidContract, PredictionError


@contextmanager
def own_faults_told() -> Iterator[None]:
    """Raise ContractError for whatever a contract raises: it may have kinds of its own, from anyone's package.

    Of JSON that is no contract the place is told.
    """
    try:
        yield
    except InvalidContract as error:
        raise ContractError(f"its contract: {error.problem}") from error
    except PredictionError:
        raise
    except Exception as error:
        raise ContractError(f"its contract fails: {error!r:.200}") from error


class Contracts:
    """Reads contracts, and applies *limits* to them.

    Contracts kept before a fork are in memory once for all processes. A vocabulary of 88,000 words takes 11 MB.
    """

    def __init__(self, limits: InstanceLimits | None = None) -> None:
        self._limits = limits
        self._kept: dict[bytes, tuple[Contract, bytes]] = {}

    def keep(self, document: bytes) -> None:
        """Read a contract that will be read again.

        Raise ContractError, or InvalidInstance if the contract refuses its own examples.
        """
        contract, document = self.read(document)
        with own_faults_told():
            contract.features(
                [example.instance for example in contract.examples]
            )  # builds the tables that it makes when first used
        self._kept[document] = contract, document

    def read(self, document: bytes) -> tuple[Contract, bytes]:
        """Read a contract from its JSON. Return both, the JSON as it is kept. Raise ContractError."""
        if document in self._kept:
            return self._kept[document]
        with own_faults_told():
            contract = Contract.from_json(document)
            return contract.limited(self._limits) if self._limits else contract, document
