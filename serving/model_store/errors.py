"""The errors of copying models; commands print their messages.

StoreError
├── UnusableAddress     no place to copy from or to has such an address
├── StoreUnavailable    the store can't be reached or used, so another try may succeed
├── DamagedRecord       the record of a model can't be read
├── IncompleteVersion   a version without a manifest lacks what every version has
└── AnotherVersion      the number is taken by a version with other files
"""

from serving.errors import PlumblineError


class StoreError(PlumblineError):
    """The base class: catch this to catch all of them."""


class UnusableAddress(StoreError):
    """No place has this address, so that another try can't succeed."""

    def __init__(self, address: str, problem: object) -> None:
        super().__init__(f"{address}: {problem}")


class StoreUnavailable(StoreError):
    """The store can't be reached or used."""

    def __init__(self, place: str, problem: object) -> None:
        super().__init__(f"{place}: {str(problem) or repr(problem):.500}")


class DamagedRecord(StoreError):
    """The record of a model can't be read."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


class IncompleteVersion(StoreError):
    """A version without a manifest lacks what every version has, or has it damaged."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; it has no manifest, and is not whole")


class AnotherVersion(StoreError):
    """The number is taken by a version with other files."""

    def __init__(self, place: str, path: str) -> None:
        super().__init__(
            f"another version has this number in {place}: {path} differs; "
            "promote this one in its folder, which gives it the next number"
        )
