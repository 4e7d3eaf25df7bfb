"""gRPC status codes -> PredictionErrors, in one table."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from serving.errors import (
    ModelServerError,
    ModelServerOverloaded,
    ModelServerRefused,
    ModelServerTimeout,
    ModelServerUnavailable,
    PredictionError,
    UnknownVersion,
)
from serving.tfserving.codes import Code

if TYPE_CHECKING:
    import grpc

_DETAILS_SHOWN = 300

_EXHAUSTED = {
    "Server Threadpool Exhausted": (  # gRPC's own words: the call did not reach a model
        "has a thread for each call up to --grpc_max_threads, by default four times its CPUs, and all are taken: try "
        "again, or start it with more"
    ),
    "OOM when allocating": "is out of memory: send fewer instances at once, or give it more",
}
"""What the model server ran out of, by its words for it: all of these have the status RESOURCE_EXHAUSTED."""

_QUEUE_FULL = "batch scheduling queue"


def _unknown(model: str, version: int | None, problem: str) -> PredictionError:
    return UnknownVersion(model, version)


def _unavailable(model: str, version: int | None, problem: str) -> PredictionError:
    if _QUEUE_FULL in problem:  # the server is there, and says what is wrong
        reason = "has as many batches waiting as max_enqueued_batches lets wait: try again"
        return ModelServerOverloaded(model, f"the model server {reason}: {problem}")
    # gRPC's own text lists addresses and sockets: as a note it goes only to the log.
    return ModelServerUnavailable(model, "the model server is not available")


def _timeout(model: str, version: int | None, problem: str) -> PredictionError:
    return ModelServerTimeout(model, "the model server did not answer in time")


def _overloaded(model: str, version: int | None, problem: str) -> PredictionError:
    reason = next((reason for sign, reason in _EXHAUSTED.items() if sign in problem), "is overloaded")
    return ModelServerOverloaded(model, f"the model server {reason}: {problem}")


def _failed(model: str, version: int | None, problem: str) -> PredictionError:
    return ModelServerError(model, f"the model server failed: {problem}")


def _refused(model: str, version: int | None, problem: str) -> PredictionError:
    return ModelServerRefused(model, f"the model server failed: {problem}")


ERRORS: dict[Code, Callable[[str, int | None, str], PredictionError]] = {
    Code.CANCELLED: _unavailable,  # by a server that stops
    Code.UNKNOWN: _failed,
    Code.INVALID_ARGUMENT: _refused,  # the contract accepted the input, so this is not the caller's error
    Code.DEADLINE_EXCEEDED: _timeout,
    Code.NOT_FOUND: _unknown,
    Code.ALREADY_EXISTS: _failed,
    Code.PERMISSION_DENIED: _failed,
    Code.UNAUTHENTICATED: _failed,
    Code.RESOURCE_EXHAUSTED: _overloaded,
    Code.FAILED_PRECONDITION: _failed,
    Code.ABORTED: _failed,
    Code.OUT_OF_RANGE: _failed,
    Code.UNIMPLEMENTED: _failed,
    Code.INTERNAL: _failed,
    Code.UNAVAILABLE: _unavailable,
    Code.DATA_LOSS: _failed,
}


def error_for(error: "grpc.RpcError", model: str, version: int | None) -> PredictionError:
    """Return the PredictionError for a failed call."""
    return error_of(Code[error.code().name], error.details() or "", model, version)


def error_of(code: Code, details: str, model: str, version: int | None) -> PredictionError:
    """Return the PredictionError for a status."""
    problem = f"{code.name}: {details[:_DETAILS_SHOWN]}"
    translated = ERRORS[code](model, version, problem)
    translated.add_note(problem)
    return translated
