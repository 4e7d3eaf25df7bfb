"""gRPC credentials from TLS files."""

import logging
import threading

import grpc

from serving.tfserving.client_tls import Tls

_log = logging.getLogger(__name__)


class Credentials:
    """The TLS credentials of a channel. Files are read again for each channel, so that a new certificate is noticed."""

    def __init__(self, tls: Tls) -> None:
        self.name = tls.name
        self._tls = tls
        self._lock = threading.Lock()
        self._read: tuple[bytes | None, ...] = ()  # ca, cert, key
        self._made: grpc.ChannelCredentials | None = None

    def get(self) -> grpc.ChannelCredentials:
        """Return credentials from the files as they are now.

        Unchanged files give the same object, with which a new channel shares the existing connections. Unusable files
        are logged, and the former credentials stay in use. Raises OSError if the first read fails.
        """
        with self._lock:
            try:
                read = self._tls.read()
                if self._made is None or (read != self._read and not self._has_problems()):
                    ca, cert, key = read
                    self._made = grpc.ssl_channel_credentials(ca, key, cert)
                    self._read = read
            except OSError as error:
                if self._made is None:
                    raise
                _log.error("the certificates for the model server can't be read again: %s", error)
            return self._made

    def _has_problems(self) -> bool:
        problems = self._tls.problems()
        for field, problem in problems:
            _log.error("MODEL_SERVER_%s: %s: %s", field.upper(), getattr(self._tls, field), problem)
        return bool(problems)
