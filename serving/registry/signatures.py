"""Signatures of versions in the OpenSSF Model Signing format, made and verified with files of keys.

A version's signature is a Sigstore bundle with the digest of each of its files, the manifest's too. So what it covers
is what the manifest lists, and comparing these two is enough where the files are compared with the manifest anyway.
The library `model-signing` reads and writes the same; it is not used here, since it installs 35 packages, most of them
for signing by an identity over the network. This needs `cryptography` only (the extra `signing`).
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from serving.process.durable_files import replace_by
from serving.registry.errors import BadSignature
from serving.registry.integrity import MANIFEST, SIGNATURE, UNLISTED, check_version, listed_files, read_manifest
from serving.registry.signing_keys import PrivateKey, PublicKey

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_MAX_BYTES = 16 * 1024 * 1024


def sign_version(version: Path, key: PrivateKey) -> None:
    """Write the signature of the version in a folder, of all its files as they are. Replace an earlier one.

    Raise BadSignature if it has no manifest, DamagedVersion if its files are not those of its manifest, or OSError.
    """
    if not check_version(version):
        raise BadSignature(version, f"expected {MANIFEST} to sign, got none; publish this model anew")
    payload = json.dumps(_statement(version), indent=1).encode()
    signature = {"sig": base64.b64encode(key.sign(_encoded(payload))).decode(), "keyid": ""}
    envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": _PAYLOAD, "signatures": [signature]}
    material = {"publicKey": {"hint": key.fingerprint}, "tlogEntries": []}
    bundle = {"mediaType": _BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}
    file = version / SIGNATURE
    text = json.dumps(bundle).encode()
    replace_by(file.with_name(f".{file.name}.new"), file, lambda opened: opened.write(text))


def verify_signature(version: Path, keys: Sequence[PublicKey]) -> PublicKey:
    """Return which of *keys* signed the version in a folder, with the manifest that it has.

    It does not compare the files with the manifest, which `check_version` does. Raise BadSignature, DamagedVersion or
    OSError.
    """
    payload, signature = _read(version)
    signer = next((key for key in keys if key.verifies(signature, _encoded(payload))), None)
    if signer is None:
        names = ", ".join(str(key.path) for key in keys)
        raise BadSignature(version, f"{SIGNATURE}: expected a signature by {names}, got another, or one of other files")
    try:
        signed = _resources(json.loads(payload))
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise BadSignature(version, f"{SIGNATURE}: expected a statement of {_PREDICATE}: {error!r:.200}") from error
    _compare(version, signed, signer)
    return signer


def _read(version: Path) -> tuple[bytes, bytes]:
    """Return what is signed, and the signature."""
    file = version / SIGNATURE
    if not file.is_file():
        raise BadSignature(version, f"expected a signature in {SIGNATURE}, got none")
    if file.stat().st_size > _MAX_BYTES:
        raise BadSignature(version, f"{SIGNATURE}: expected at most {_MAX_BYTES:,} bytes")
    try:
        envelope = json.loads(file.read_bytes())["dsseEnvelope"]
        (signature,) = envelope["signatures"]
        if envelope["payloadType"] != _PAYLOAD:
            raise ValueError(envelope["payloadType"])
        return base64.b64decode(envelope["payload"]), base64.b64decode(signature["sig"])
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        problem = f"{SIGNATURE}: expected a Sigstore bundle with one signature: {error!r:.200}"
        raise BadSignature(version, problem) from error


def _statement(version: Path) -> dict[str, Any]:
    resources = [
        {"name": name, "algorithm": "sha256", "digest": digest} for name, digest in sorted(_digests(version).items())
    ]
    root = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in resources)).hexdigest()
    serialization = {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": sorted(UNLISTED - {MANIFEST}),
    }
    return {
        "_type": _STATEMENT,
        "subject": [{"name": version.name, "digest": {"sha256": root}}],
        "predicateType": _PREDICATE,
        "predicate": {"serialization": serialization, "resources": resources},
    }


def _digests(version: Path) -> dict[str, str]:
    """Return the SHA-256 of the manifest, and of each file as the manifest has it."""
    listed = {name: facts.sha256 for name, facts in (read_manifest(version) or {}).items()}
    if not listed:
        raise BadSignature(version, f"expected {MANIFEST}, got none")
    return {**listed, MANIFEST: hashlib.sha256((version / MANIFEST).read_bytes()).hexdigest()}


def _resources(statement: Mapping[str, Any]) -> dict[str, str]:
    if (statement["_type"], statement["predicateType"]) != (_STATEMENT, _PREDICATE):
        raise ValueError(statement["predicateType"])
    predicate = statement["predicate"]
    if (method := predicate["serialization"]["method"]) != "files":
        raise ValueError(method)
    return {str(each["name"]): str(each["digest"]) for each in predicate["resources"]}


def _compare(version: Path, signed: Mapping[str, str], signer: PublicKey) -> None:
    found = _digests(version)
    unlisted = [name for name in listed_files(version) if name not in found]
    for name in [*sorted(signed.keys() ^ found.keys()), *sorted(signed.keys() & found.keys()), *unlisted]:
        if signed.get(name) != found.get(name) or name in unlisted:
            raise BadSignature(version, f"{name}: expected the file that {signer.path} signed, got another or none")


def _encoded(payload: bytes) -> bytes:
    """Return what is signed of a payload: its pre-authentication encoding (DSSE, version 1)."""
    return f"DSSEv1 {len(_PAYLOAD)} {_PAYLOAD} {len(payload)} ".encode() + payload
