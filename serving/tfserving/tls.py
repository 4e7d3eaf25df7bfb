"""TLS to the model server, perhaps with a certificate of the gateway's own (mutual TLS), from files of PEM text."""

import logging
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import grpc

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tls:
    """The files: who is trusted (*ca*), and who we are (*cert* and *key*, both or neither).

    *name* is the name in the server's certificate, where it is not that of its address.
    """

    ca: Path
    cert: Path | None = None
    key: Path | None = None
    name: str = ""

    def read(self) -> tuple[bytes, bytes | None, bytes | None]:
        """Read *ca*, *cert* and *key*; raises OSError."""
        cert, key = (path.read_bytes() if path else None for path in (self.cert, self.key))
        return self.ca.read_bytes(), cert, key

    def problems(self) -> list[tuple[str, str]]:
        """Find what is wrong with the files: the field and the problem."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        found = []
        try:
            context.load_verify_locations(self.ca)
        except (OSError, ssl.SSLError) as error:
            found.append(("ca", f"expected certificates in PEM ({_reason(error)})"))
        if self.cert and self.key:
            try:
                context.load_cert_chain(self.cert, self.key, password="")  # or OpenSSL would ask for one
            except (OSError, ssl.SSLError) as error:
                problem = f"expected a certificate in PEM, and its key without a password ({_reason(error)})"
                found.append(("cert", problem))
        return found


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


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)
