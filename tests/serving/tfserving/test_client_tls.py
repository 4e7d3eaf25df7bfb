"""The client by TLS, against a server that asks for a certificate, as replaced certificates are followed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme

from serving.errors import ModelServerUnavailable
from serving.tfserving.client import ModelServerClient
from serving.tfserving.client_tls import Tls
from serving.tfserving.credentials import Credentials
from tests.serving.certificates import Certificates
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA, tmp_path: Path) -> Iterator[FakeModelServer]:
    """Speaks mutual TLS."""
    files = Certificates.issued(authority, tmp_path / "server", "localhost", "127.0.0.1")
    pair = (files.key.read_bytes(), files.cert.read_bytes())
    server = FakeModelServer(credentials=grpc.ssl_server_credentials([pair], files.ca.read_bytes(), True))
    server.publish(text_contract())
    yield server.start()
    server.stop()


@pytest.fixture
def ours(authority: trustme.CA, tmp_path: Path) -> Certificates:
    return Certificates.issued(authority, tmp_path / "ours", "gateway")


def ask(address: str, tls: Tls | None) -> int:
    client = ModelServerClient(address, tls)
    try:
        (status,) = client.versions("sentiment", 5)
        return status.version
    finally:
        client.close()


def test_both_sides_know_each_other(server: FakeModelServer, ours: Certificates) -> None:
    assert ask(server.address, Tls(ours.ca, ours.cert, ours.key)) == 1


def test_all_else_is_refused(server: FakeModelServer, ours: Certificates, tmp_path: Path) -> None:
    stranger = Certificates.issued(trustme.CA(), tmp_path / "stranger", "gateway")
    refused = {
        "no TLS": None,
        "no certificate": Tls(ours.ca),
        "another authority's certificate": Tls(ours.ca, stranger.cert, stranger.key),
        "a server that is not trusted": Tls(stranger.ca, ours.cert, ours.key),
        "a server of another name": Tls(ours.ca, ours.cert, ours.key, name="elsewhere"),
    }
    for tls in refused.values():
        with pytest.raises(ModelServerUnavailable):
            ask(server.address, tls)


def test_a_name_may_be_given_that_is_not_the_addresss(server: FakeModelServer, ours: Certificates) -> None:
    assert ask(f"ipv4:{server.address}", Tls(ours.ca, ours.cert, ours.key, name="localhost")) == 1


def test_replaced_files_are_read_for_the_next_channel(
    authority: trustme.CA, ours: Certificates, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    credentials = Credentials(Tls(ours.ca, ours.cert, ours.key))
    first = credentials.get()
    assert credentials.get() is first
    newer = Certificates.issued(authority, tmp_path / "newer", "gateway")
    shutil.copy(newer.cert, ours.cert)
    assert credentials.get() is first  # the key is still the old one's
    assert "MODEL_SERVER_CERT" in caplog.text
    shutil.copy(newer.key, ours.key)
    second = credentials.get()
    assert second is not first
    ours.ca.unlink()
    assert credentials.get() is second
    assert "can't be read again" in caplog.text


def test_what_is_wrong_with_the_files_is_told(ours: Certificates, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    other = Certificates.issued(trustme.CA(), tmp_path / "other", "gateway")
    assert Tls(ours.ca, ours.cert, ours.key).problems() == []
    assert [field for field, _ in Tls(nonsense, ours.cert, other.key).problems()] == ["ca", "cert"]
    assert "in PEM" in Tls(nonsense).problems()[0][1]
    assert "its key" in Tls(ours.ca, nonsense, ours.key).problems()[0][1]
