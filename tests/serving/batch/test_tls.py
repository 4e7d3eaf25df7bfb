"""The command, before a model server that asks for a certificate."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme

from tests.serving.batch.conftest import Command, read_jsonl, texts, write_csv
from tests.serving.certificates import Certificates
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    monkeypatch.chdir(tmp_path)
    files = Certificates.issued(authority, tmp_path / "server", "tf-serving")
    pair = (files.key.read_bytes(), files.cert.read_bytes())
    server = FakeModelServer(credentials=grpc.ssl_server_credentials([pair], files.ca.read_bytes(), True))
    server.publish(text_contract())
    write_csv(tmp_path / "in.csv", [{"text": text} for text in texts(3)])
    yield Command(server.start(), tmp_path)
    server.stop()


def test_it_shows_its_certificate(secure: Command, authority: trustme.CA, tmp_path: Path) -> None:
    ours = Certificates.issued(authority, tmp_path / "ours", "scoring")
    trust = ("--model-server-ca", ours.ca, "--model-server-name", "tf-serving", "--patience-seconds", "0")
    own = ("--model-server-cert", ours.cert, "--model-server-key", ours.key)

    without = secure("in.csv", "--output", "out.jsonl", *trust)
    assert without.exit_code == 75
    assert "the model server is not available" in without.output
    known = secure("in.csv", "--output", "out.jsonl", *trust, *own)
    assert known.exit_code == 0, known.output
    assert len(read_jsonl(tmp_path / "out.jsonl")) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model-server-name", "x"], "need --model-server-ca too"),
        (["--model-server-ca", "in.csv", "--model-server-key", "in.csv"], "need each other"),
        (["--model-server-ca", "in.csv"], "--model-server-ca in.csv: expected certificates in PEM"),
    ],
)
def test_files_that_can_not_be_used_are_told(secure: Command, options: list[str], message: str) -> None:
    refused = secure("in.csv", "--output", "out.jsonl", *options)

    assert refused.exit_code == 2
    assert message in refused.output
