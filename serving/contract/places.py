"""Naming the place in a contract where something is wrong, whatever it was that stumbled over it."""

from collections.abc import Iterator
from contextlib import contextmanager

from serving.errors import ContractError


@contextmanager
def place(name: str) -> Iterator[None]:
    """Raise ContractError with *name* for whatever is wrong in there: a kind of somebody's own may raise anything."""
    try:
        yield
    except ContractError as error:
        raise ContractError(f"{name}: {error.problem}") from error
    except KeyError as error:
        raise ContractError(f"{name}: there is no {error}") from error
    except Exception as error:
        is_plain = type(error) in (ValueError, TypeError)  # what the checks here raise
        raise ContractError(f"{name}: {error if is_plain else repr(error)}"[:_MOST_CHARACTERS]) from error


_MOST_CHARACTERS = 500
