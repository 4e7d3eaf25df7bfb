"""gRPC's status codes (https://grpc.io/docs/guides/status-codes), for modules that make no calls.

`grpc` has them too, but importing it takes 11 MB and 50 ms.
"""

from enum import IntEnum


class Code(IntEnum):
    """A code by its number; the names are `grpc.StatusCode`'s."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16
