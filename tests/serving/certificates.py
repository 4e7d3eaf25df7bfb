"""Certificates for tests, made by a certificate authority of their own."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Files of PEM text: the authority's, a certificate, its key."""

    ca: Path
    cert: Path
    key: Path

    @classmethod
    def issued(cls, authority: trustme.CA, folder: Path, *names: str) -> "Certificates":
        """Write a certificate of *authority* for *names* into *folder*."""
        folder.mkdir(exist_ok=True)
        issued = authority.issue_cert(*names)
        files = cls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
        authority.cert_pem.write_to_path(files.ca)
        files.key.write_bytes(issued.private_key_pem.bytes())
        files.cert.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        return files
