"""A process's channel, which is replaced by a fresh one from time to time, and its calls."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from serving.tfserving import wire_pb2 as wire
from serving.tfserving.channel import open_channel
from serving.tfserving.credentials import Credentials

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"

FRESH_SECONDS = 10.0
"""The maximum age of a channel.

gRPC looks a name up again only when a connection breaks, so that an added server would not be noticed
(https://github.com/grpc/grpc/issues/12295). A fresh channel looks it up, and shares the existing connections.
"""

_NO_ANSWER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Calls:
    """A channel and the calls made on it."""

    def __init__(self, address: str, credentials: Credentials | None) -> None:
        self.channel = open_channel(address, credentials)
        self.predict = self.channel.unary_unary(
            _PREDICT, wire.PredictRequest.SerializeToString, wire.PredictResponse.FromString
        )
        self.metadata = self.channel.unary_unary(
            _METADATA, wire.GetModelMetadataRequest.SerializeToString, wire.GetModelMetadataResponse.FromString
        )
        self.status = self.channel.unary_unary(
            _STATUS, wire.GetModelStatusRequest.SerializeToString, wire.GetModelStatusResponse.FromString
        )
        self.users = 0


class Connection:
    """The current channel to *address*; safe to share between threads."""

    def __init__(self, address: str, credentials: Credentials | None = None) -> None:
        self._address = address
        self._credentials = credentials
        self._lock = threading.Lock()
        self._calls = Calls(address, credentials)
        self._renew_at = time.monotonic() + FRESH_SECONDS

    @contextmanager
    def calls(self) -> Iterator[Calls]:
        """Yield the calls; their channel stays open for the block."""
        with self._lock:
            calls = self._calls
            calls.users += 1
        try:
            yield calls
        finally:
            self._release(calls)

    def renew(self, probe: Callable[[Calls], object]) -> None:
        """Open a fresh channel if it is due; it replaces the old one once *probe* got an answer on it."""
        with self._lock:
            if time.monotonic() < self._renew_at:
                return
            self._renew_at = time.monotonic() + FRESH_SECONDS
        fresh = Calls(self._address, self._credentials)
        try:
            probe(fresh)
        except grpc.RpcError as error:
            if error.code() in _NO_ANSWER:
                fresh.channel.close()
                return
        self._replace(fresh)

    def close(self) -> None:
        """Close the channel, even if it is in use."""
        self._calls.channel.close()

    def _replace(self, calls: Calls) -> None:
        with self._lock:
            old, self._calls = self._calls, calls
            unused = not old.users
        if unused:
            old.channel.close()

    def _release(self, calls: Calls) -> None:
        with self._lock:
            calls.users -= 1
            unused = not calls.users and calls is not self._calls
        if unused:
            calls.channel.close()
