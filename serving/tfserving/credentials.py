"""gRPC's credentials from the files of TLS."""

import logging
import threading

import grpc

from serving.tfserving.client_tls import Tls

_log = logging.getLogger(__name__)


class Credentials:
    """What a channel needs of TLS; the files are read again for each channel, so that a new certificate is noticed."""

    def __init__(self, tls: Tls) -> None:
        self.name = tls.name
        self._tls = tls
        self._lock = threading.Lock()
        self._read: tuple[bytes | None, ...] = ()  # ca, cert, key
        self._made: grpc.ChannelCredentials | None = None

    def get(self) -> grpc.ChannelCredentials:
        """Give credentials from the files as they are now.

        While they have not changed it is the same object, which lets a new channel share the connections that there
        are. Files that can't be used are told in the log; what they were before goes on. Raises OSError the first time.
        """
        with self._lock:
            try:
                read = self._tls.read()
                if self._made is None or (read != self._read and not self._spoilt()):
                    ca, cert, key = read
                    self._made = grpc.ssl_channel_credentials(ca, key, cert)
                    self._read = read
            except OSError as error:
                if self._made is None:
                    raise
                _log.error("the certificates for the model server can't be read again: %s", error)
            return self._made

    def _spoilt(self) -> bool:
        problems = self._tls.problems()
        for field, problem in problems:
            _log.error("MODEL_SERVER_%s: %s: %s", field.upper(), getattr(self._tls, field), problem)
        return bool(problems)
