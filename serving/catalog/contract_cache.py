"""Reading the contracts that versions carry, and sharing them among processes."""

from serving.contract import Contract, InstanceLimits


class Contracts:
    """Reads contracts as they are obeyed within *limits*.

    What is kept before a fork is in the memory of all processes but once. A vocabulary of 88,000 words takes 11 MB.
    """

    def __init__(self, limits: InstanceLimits | None = None) -> None:
        self._limits = limits
        self._kept: dict[bytes, tuple[Contract, bytes]] = {}

    def keep(self, document: bytes) -> None:
        """Read a contract that will be read again; raises ContractError, InvalidInstance if it refuses its examples."""
        contract, document = self.read(document)
        contract.features([example.instance for example in contract.examples])  # it makes its tables when first used
        self._kept[document] = contract, document

    def read(self, document: bytes) -> tuple[Contract, bytes]:
        """Read a contract from its JSON; gives that too, as it may be kept. Raises ContractError."""
        if document in self._kept:
            return self._kept[document]
        contract = Contract.from_json(document)
        return contract.limited(self._limits) if self._limits else contract, document
