import grpc
import pytest

from serving.errors import (
    ModelServerError,
    ModelServerOverloaded,
    ModelServerRefused,
    ModelServerTimeout,
    ModelServerUnavailable,
    UnknownVersion,
)
from serving.tfserving.codes import Code
from serving.tfserving.statuses import ERRORS, error_for

SPECIAL = {
    grpc.StatusCode.NOT_FOUND: UnknownVersion,
    grpc.StatusCode.INVALID_ARGUMENT: ModelServerRefused,
    grpc.StatusCode.UNAVAILABLE: ModelServerUnavailable,
    grpc.StatusCode.CANCELLED: ModelServerUnavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: ModelServerTimeout,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ModelServerOverloaded,
}


class Failed(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode, details: str | None) -> None:
        self.code = lambda: code
        self.details = lambda: details


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_code_stands_for_one_of_our_errors(code: grpc.StatusCode) -> None:
    error = error_for(Failed(code, "what happened"), "digits", 3)
    assert type(error) is SPECIAL.get(code, ModelServerError)
    assert str(error).startswith("digits: ")


def test_the_table_has_no_other_codes() -> None:
    assert set(ERRORS) == set(Code) - {Code.OK}


def test_the_codes_are_those_of_grpc() -> None:
    assert {code.name: code.value for code in Code} == {code.name: code.value[0] for code in grpc.StatusCode}


def test_the_servers_own_words_are_kept_but_not_without_end() -> None:
    error = error_for(Failed(grpc.StatusCode.INTERNAL, "x" * 1000), "digits", 3)
    assert "INTERNAL: xxx" in str(error)
    assert len(str(error)) < 400


def test_addresses_are_not_told() -> None:
    error = error_for(Failed(grpc.StatusCode.UNAVAILABLE, "ipv4:10.0.0.7:8500: refused"), "digits", 3)
    assert "10.0.0.7" not in str(error)


def test_a_failure_without_details_has_a_message_too() -> None:
    assert str(error_for(Failed(grpc.StatusCode.UNKNOWN, None), "digits", 3)).startswith("digits: ")


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ("Server Threadpool Exhausted", "--grpc_max_threads"),
        ("OOM when allocating tensor with shape[512,224,224,64]", "is out of memory"),
        ("something else", "the model server is overloaded"),
    ],
)
def test_what_is_exhausted_is_said_and_what_to_do(details: str, told: str) -> None:
    error = error_for(Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, details), "digits", 3)
    assert told in str(error)
    assert str(error).endswith(f"RESOURCE_EXHAUSTED: {details}")


def test_a_full_queue_is_not_taken_for_a_server_that_is_gone() -> None:
    details = "The batch scheduling queue to which this task was submitted is full; currently 64 batches enqueued"
    error = error_for(Failed(grpc.StatusCode.UNAVAILABLE, details), "digits", 3)
    assert isinstance(error, ModelServerOverloaded)
    assert "max_enqueued_batches" in str(error)
