"""Signed versions: what is admitted, and what is refused with the file and the key named."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from serving.commands.models import models
from serving.registry.errors import BadSignature, DamagedVersion
from serving.registry.integrity import MANIFEST, SIGNATURE, check_version, write_manifest
from serving.registry.signatures import sign_version, verify_signature
from serving.registry.signing_keys import read_private_key, read_public_key

Keys = Callable[..., tuple[Path, Path]]


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    def made(name: str, curve: ec.EllipticCurve | None = None) -> tuple[Path, Path]:
        return write_keys(tmp_path, name, curve or ec.SECP256R1())

    return made


def write_keys(folder: Path, name: str, curve: ec.EllipticCurve) -> tuple[Path, Path]:
    key = ec.generate_private_key(curve)
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def version(tmp_path: Path) -> Path:
    version = tmp_path / "models" / "topic" / "3"
    for name, text in {
        "saved_model.pb": "graph",
        "variables/variables.index": "a",
        "assets.extra/contract.json": "{}",
    }.items():
        (version / name).parent.mkdir(parents=True, exist_ok=True)
        (version / name).write_text(text)
    write_manifest(version)
    return version


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda it: it.name)
def test_a_signed_version_tells_its_signer(version: Path, keys: Keys, curve: ec.EllipticCurve) -> None:
    (private, public), (_, other) = keys("a", curve), keys("b")
    sign_version(version, read_private_key(private))
    for trusted in ([public], [other, public]):  # two of them while keys are rotated
        assert verify_signature(version, [read_public_key(path) for path in trusted]).path == public
    assert check_version(version)


def test_another_key_is_refused_and_named(version: Path, keys: Keys) -> None:
    (private, _), (_, other) = keys("a"), keys("b")
    sign_version(version, read_private_key(private))
    with pytest.raises(BadSignature, match=rf"{SIGNATURE}: expected a signature by {other}, got another"):
        verify_signature(version, [read_public_key(other)])


def test_a_version_without_a_signature_is_refused(version: Path, keys: Keys) -> None:
    with pytest.raises(BadSignature, match=rf"{version}: expected a signature in {SIGNATURE}, got none"):
        verify_signature(version, [read_public_key(keys("a")[1])])


@pytest.mark.parametrize("name", ["saved_model.pb", "assets.extra/contract.json", "added"])
def test_a_file_that_is_changed_or_added_with_a_new_manifest_is_refused(version: Path, keys: Keys, name: str) -> None:
    private, public = keys("a")
    sign_version(version, read_private_key(private))
    (version / name).write_text("other")
    write_manifest(version)
    with pytest.raises(BadSignature, match=rf"{name}: expected the file that {public} signed|{MANIFEST}: expected"):
        verify_signature(version, [read_public_key(public)])


def test_a_file_that_is_taken_away_or_changed_under_the_manifest_is_refused(version: Path, keys: Keys) -> None:
    private, public = keys("a")
    sign_version(version, read_private_key(private))
    (version / "saved_model.pb").write_text("Graph")
    verify_signature(version, [read_public_key(public)])
    with pytest.raises(DamagedVersion, match=r"saved_model.pb"):
        check_version(version)


def test_the_signature_of_another_version_is_refused(version: Path, keys: Keys) -> None:
    private, public = keys("a")
    other = version.with_name("4")
    shutil.copytree(version, other)
    (other / "saved_model.pb").write_text("other")
    write_manifest(other)
    for each in (version, other):
        sign_version(each, read_private_key(private))
    shutil.copy(version / SIGNATURE, other / SIGNATURE)
    with pytest.raises(BadSignature, match="signed, got another or none"):
        verify_signature(other, [read_public_key(public)])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Sigstore bundle"),
        ("[]", "Sigstore bundle"),
        ("{}", "Sigstore bundle"),
        ('{"dsseEnvelope": 5}', "Sigstore bundle"),
        (
            '{"dsseEnvelope": {"payload": "e30=", "payloadType": "text", "signatures": [{"sig": ""}]}}',
            "Sigstore bundle",
        ),
        (
            '{"dsseEnvelope": {"payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": []}}',
            "Sigstore bundle",
        ),
        (
            '{"dsseEnvelope": {"payload": "e30=", "payloadType": "application/vnd.in-toto+json",'
            ' "signatures": [{"sig": "AAAA"}]}}',
            "got another",
        ),
        ("[" * 100_000, "Sigstore bundle"),
    ],
)
def test_what_is_no_signature_is_refused(version: Path, keys: Keys, text: str, problem: str) -> None:
    (version / SIGNATURE).write_text(text)
    with pytest.raises(BadSignature, match=problem):
        verify_signature(version, [read_public_key(keys("a")[1])])


def test_a_statement_of_another_kind_is_refused_though_the_key_signed_it(version: Path, keys: Keys) -> None:
    private, public = keys("a")
    payload = b'{"_type": "https://in-toto.io/Statement/v1", "predicateType": "other"}'
    kind = "application/vnd.in-toto+json"
    signed = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    signature = base64.b64encode(read_private_key(private).sign(signed)).decode()
    envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": kind, "signatures": [{"sig": signature}]}
    (version / SIGNATURE).write_text(json.dumps({"dsseEnvelope": envelope}))
    with pytest.raises(BadSignature, match="expected a statement of"):
        verify_signature(version, [read_public_key(public)])


def test_what_is_no_key_of_a_known_curve_is_refused(tmp_path: Path) -> None:
    wrong = ed25519.Ed25519PrivateKey.generate()
    locked = ec.generate_private_key(ec.SECP256R1())
    pems = [
        b"no key",
        wrong.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        wrong.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        locked.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a")),
    ]
    for pem in pems:
        (tmp_path / "key").write_bytes(pem)
        for read in (read_public_key, read_private_key):
            with pytest.raises(ValueError, match="key of the elliptic curve P-256, P-384 or P-521 in PEM"):
                read(tmp_path / "key")


def test_the_commands_sign_and_verify_the_newest_version_or_one(version: Path, keys: Keys) -> None:
    private, public = keys("a")
    folder = ["--models-dir", str(version.parents[1])]
    signed = CliRunner().invoke(models, ["sign", "topic", *folder, "--key", str(private)])
    assert (signed.exit_code, signed.output) == (0, f"{version}: signed with {private}\n")
    for number in ([], ["3"]):
        verified = CliRunner().invoke(models, ["verify", "topic", *number, *folder, "--public-key", str(public)])
        assert (verified.exit_code, verified.output) == (0, f"{version}: signed by {public}\n")
    (version / "saved_model.pb").write_text("other")
    refused = CliRunner().invoke(models, ["verify", "topic", *folder, "--public-key", str(public)])
    assert refused.exit_code == 1
    assert f"Error: {version}: saved_model.pb: expected" in refused.output
    for option in (["sign", "--key", str(public)], ["verify", "--public-key", str(private)]):
        wrong = CliRunner().invoke(models, [option[0], "topic", *folder, *option[1:]])
        assert wrong.exit_code == 1
        assert "expected a p" in wrong.output


def test_what_the_library_model_signing_has_signed_is_taken(version: Path, tmp_path: Path) -> None:
    """Its version 1.1.1 signed the files of the version above, with a key that was thrown away."""
    signed = json.loads(Path(__file__).with_name("signed_by_model_signing.json").read_text())
    (tmp_path / "a.pub").write_text(signed["public_key"])
    (version / SIGNATURE).write_text(json.dumps(signed["bundle"]))
    keys = [read_public_key(tmp_path / "a.pub")]
    assert verify_signature(version, keys) == keys[0]
    (version / "saved_model.pb").write_text("other")
    write_manifest(version)
    with pytest.raises(BadSignature, match="signed, got another or none"):
        verify_signature(version, keys)


def test_the_format_is_that_of_the_library_model_signing(version: Path, keys: Keys, tmp_path: Path) -> None:
    """Each takes what the other has signed."""
    pytest.importorskip("model_signing", reason="needs the package model-signing, which brings 35 others")
    pytest.importorskip("OpenSSL", reason="needs pyOpenSSL, which model-signing imports and doesn't require")
    private, public = keys("a")
    sign_version(version, read_private_key(private))
    signature = ["--signature", str(version / SIGNATURE)]
    run_library("verify", "key", str(version), *signature, "--public_key", str(public))
    (version / SIGNATURE).unlink()
    run_library("sign", "key", str(version), *signature, "--private_key", str(private))
    assert verify_signature(version, [read_public_key(public)]).path == public


def run_library(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "model_signing", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
