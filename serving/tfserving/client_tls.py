"""TLS to the model server, optionally with a client certificate (mutual TLS), from PEM files."""

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tls:
    """The files: trusted certificates (*ca*), and the client's certificate (*cert* and *key*, both or neither).

    *name* is the name in the server's certificate, if it differs from its address.
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
        """Return what is wrong with the files: pairs of field and problem."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        found = []
        try:
            context.load_verify_locations(self.ca)
        except (OSError, ssl.SSLError) as error:
            found.append(("ca", f"expected certificates in PEM ({_reason(error)})"))
        if self.cert and self.key:
            try:
                context.load_cert_chain(self.cert, self.key, password="")  # otherwise OpenSSL prompts for one
            except (OSError, ssl.SSLError) as error:
                problem = f"expected a certificate in PEM, and its key without a password ({_reason(error)})"
                found.append(("cert", problem))
        return found


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)
