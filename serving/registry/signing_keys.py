"""Keys for signatures, read from files in PEM: elliptic curves P-256, P-384 or P-521, as OpenSSF Model Signing has it.

`cryptography` is imported where it is used: only gateways that require signatures need it.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

_MAX_BYTES = 64 * 1024
_EXPECTED = "expected a{} key of the elliptic curve P-256, P-384 or P-521 in PEM, without a password"


@dataclass(frozen=True)
class PublicKey:
    """A public key, and the file that it was read from."""

    path: Path
    key: "ec.EllipticCurvePublicKey" = field(repr=False, compare=False)

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Return whether *signature* of *signed* was made with this key's private key."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(signature, signed, _algorithm(self.key.curve))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class PrivateKey:
    """A private key, and the file that it was read from."""

    path: Path
    key: "ec.EllipticCurvePrivateKey" = field(repr=False, compare=False)

    def sign(self, content: bytes) -> bytes:
        """Return a signature of *content*."""
        return self.key.sign(content, _algorithm(self.key.curve))

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the public key in PEM, by which bundles name it."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(pem).hexdigest()


def read_public_key(path: Path) -> PublicKey:
    """Read a public key. Raise ValueError, OSError or ImportError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_content(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(_EXPECTED.format(" public")) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _hashes():
        raise ValueError(_EXPECTED.format(" public"))
    return PublicKey(path, key)


def read_private_key(path: Path) -> PrivateKey:
    """Read a private key. Raise ValueError, OSError or ImportError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_content(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it has a password
        raise ValueError(_EXPECTED.format(" private")) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in _hashes():
        raise ValueError(_EXPECTED.format(" private"))
    return PrivateKey(path, key)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES)


def _algorithm(curve: "ec.EllipticCurve") -> "ec.ECDSA":
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.ECDSA(_hashes()[curve.name])


def _hashes() -> "dict[str, hashes.HashAlgorithm]":
    from cryptography.hazmat.primitives import hashes

    return {"secp256r1": hashes.SHA256(), "secp384r1": hashes.SHA384(), "secp521r1": hashes.SHA512()}
