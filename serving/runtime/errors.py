"""The error of failed requests and loads: a gRPC status. Each port translates it in one place."""

from serving.errors import PlumblineError
from serving.tfserving.codes import Code


class ServingError(PlumblineError):
    """A failure that is reported to the client, with the code and text of TensorFlow Serving."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


def invalid_argument(message: str) -> ServingError:
    """Return the error for a request that is invalid in any state of the server."""
    return ServingError(Code.INVALID_ARGUMENT, message)


def not_found(message: str) -> ServingError:
    """Return the error for a model or version that does not exist."""
    return ServingError(Code.NOT_FOUND, message)


def failed_precondition(message: str) -> ServingError:
    """Return the error for a request that the server's current state forbids."""
    return ServingError(Code.FAILED_PRECONDITION, message)
