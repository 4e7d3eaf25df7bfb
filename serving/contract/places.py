"""Naming the place in a contract where something is wrong, whatever it was that stumbled over it."""

from collections.abc import Iterator
from contextlib import contextmanager

from serving.contract.states import Misfit
from serving.errors import ContractError, InvalidContract


@contextmanager
def place(*path: str | int) -> Iterator[None]:
    """Raise InvalidContract for whatever is wrong at *path*, or below: a kind of somebody's own may raise anything."""
    try:
        yield
    except InvalidContract as error:
        raise InvalidContract(error.wrong, (*path, *error.path)) from error
    except Misfit as error:
        raise InvalidContract(error.problem, (*path, *error.path)) from error
    except ContractError as error:
        raise InvalidContract(error.problem, path) from error
    except KeyError as error:
        raise InvalidContract(f"expected a member {error}, got nothing", path) from error
    except Exception as error:
        is_plain = type(error) in (ValueError, TypeError)  # what the checks here raise
        raise InvalidContract(f"{error if is_plain else repr(error)}"[:_MOST_CHARACTERS], path) from error


_MOST_CHARACTERS = 500
