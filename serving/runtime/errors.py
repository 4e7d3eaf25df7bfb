"""The one exception that requests and loads fail with: a gRPC status. Both ports translate it, in one place each."""

from serving.errors import PlumblineError
from serving.tfserving.codes import Code


class ServingError(PlumblineError):
    """A failure that the client is told of, with the code and text that TensorFlow Serving would use."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


def invalid_argument(message: str) -> ServingError:
    """Make the error for a request that is wrong whatever the state of the server."""
    return ServingError(Code.INVALID_ARGUMENT, message)


def not_found(message: str) -> ServingError:
    """Make the error for a model or version that is not there."""
    return ServingError(Code.NOT_FOUND, message)


def failed_precondition(message: str) -> ServingError:
    """Make the error for a request that the server's present state forbids."""
    return ServingError(Code.FAILED_PRECONDITION, message)
