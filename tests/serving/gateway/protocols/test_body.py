"""How bodies are encoded and how long they may be, the same for every protocol."""

import codecs
import gzip
import io
import json
import time
import zlib
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.gateway.settings import Settings
from tests.serving.contracts import png

TENSOR = {"name": "text", "datatype": "BYTES", "shape": [2], "data": ["a good film", "bad"]}
BODIES = {
    "/predict/sentiment": {"instances": [{"text": "a good film"}, {"text": "bad"}]},
    "/v1/models/sentiment:predict": {"instances": ["a good film", "bad"]},
    "/v2/models/sentiment/infer": {"inputs": [TENSOR]},
}


MAX_BODY_BYTES, MAX_INSTANCES = 20_000, 4


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_body_bytes=MAX_BODY_BYTES, max_instances=MAX_INSTANCES)


def ask(gateway: FlaskClient, path: str, body: bytes, encoding: str) -> Any:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    return gateway.post(path, data=body, headers=headers)


def detail(reply: Any) -> str:
    told = reply.get_json()
    text: str = told["detail"] if "detail" in told else told["error"]
    return text


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "Gzip", "x-gzip", "X-GZip", " gzip ", "identity, gzip", "gzip,"])
def test_gzip_has_two_names_of_any_case(gateway: FlaskClient, path: str, encoding: str) -> None:
    body = json.dumps(BODIES[path]).encode()
    reply = ask(gateway, path, gzip.compress(body), encoding)
    assert reply.status_code == 200
    assert reply.get_json() == gateway.post(path, json=BODIES[path]).get_json()


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("DEFLATE", zlib.compress), ("identity", bytes), ("Identity", bytes), ("", bytes), (" ", bytes), (",", bytes)],
)
def test_so_have_the_others(gateway: FlaskClient, path: str, encoding: str, pack: Any) -> None:
    assert ask(gateway, path, pack(json.dumps(BODIES[path]).encode()), encoding).status_code == 200


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("gzip, gzip", "expected one Content-Encoding, got 2: 'gzip, gzip'"),
        ("deflate,GZIP", "expected one Content-Encoding, got 2: 'deflate,GZIP'"),
        ("br", "expected Content-Encoding gzip or deflate, got 'br'"),
        ("gzipped", "expected Content-Encoding gzip or deflate, got 'gzipped'"),
    ],
)
def test_all_else_is_refused(gateway: FlaskClient, path: str, encoding: str, message: str) -> None:
    reply = ask(gateway, path, gzip.compress(b"{}"), encoding)
    assert (reply.status_code, detail(reply)) == (415, message)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("cut", [1, 10, 30])
def test_all_members_of_a_gzip_body_are_read(gateway: FlaskClient, path: str, cut: int) -> None:
    body = json.dumps(BODIES[path]).encode()
    packed = b"".join(gzip.compress(part) for part in (body[:cut], b"", body[cut:]))
    assert ask(gateway, path, packed, "gzip").get_json() == gateway.post(path, json=BODIES[path]).get_json()


def test_members_may_be_larger_than_what_is_unpacked_at_a_time(gateway: FlaskClient) -> None:
    gateway.application.config["MAX_CONTENT_LENGTH"] = 400_000
    texts = [b'{"instances": [{"text": "a good film"}],', b" " * 100_000, b'"x": 1}']
    packed = b"".join(gzip.compress(part, 0) for part in texts)
    reply = ask(gateway, "/predict/sentiment", packed, "gzip")
    assert "expected only 'instances', got also 'x'" in detail(reply)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("rest", [b"\0", b"\0" * 512, b"trailing", b"\x1f", b"PK\x03\x04"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_follows_the_last_member_is_told(gateway: FlaskClient, path: str, rest: bytes, encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    reply = ask(gateway, path, pack(json.dumps(BODIES[path]).encode()) + rest, encoding)
    told = f"expected nothing after the compressed body, got {len(rest)} bytes more"
    assert (reply.status_code, detail(reply)) == (400, told)


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (gzip.compress(b"}", mtime=0)[:-4], "the compressed body is truncated"),
        (gzip.compress(b"}", mtime=0)[:3], "the compressed body is truncated"),
        (b"\x1f\x8b\x08 what is this", "expected a body compressed as Content-Encoding says, got another"),
    ],
)
def test_a_later_member_must_be_whole(gateway: FlaskClient, last: bytes, message: str) -> None:
    reply = ask(gateway, "/predict/sentiment", gzip.compress(b'{"text": "a"') + last, "gzip")
    assert (reply.status_code, detail(reply)) == (400, message)


def test_members_are_bounded_together_in_bytes_and_number(gateway: FlaskClient) -> None:
    gateway.application.config["MAX_CONTENT_LENGTH"] = 2_000_000
    reply = ask(gateway, "/predict/sentiment", gzip.compress(b" " * 900_000) * 3, "gzip")
    assert reply.status_code == 413
    assert "at most 2000000 bytes (MAX_BODY_BYTES)" in detail(reply)
    started = time.monotonic()
    reply = ask(gateway, "/predict/sentiment", gzip.compress(b"") * 90_000, "gzip")
    assert (reply.status_code, detail(reply)) == (400, "expected at most 1000 gzip members in the body, got more")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_is_too_large_is_told_with_the_limit(gateway: FlaskClient, path: str) -> None:
    limit = "expected a body of at most 20000 bytes (MAX_BODY_BYTES), as sent and decompressed, got "
    reply = gateway.post(path, data=b"x" * (MAX_BODY_BYTES + 1), content_type="application/json")
    assert (reply.status_code, detail(reply)) == (413, f"{limit}20001")
    packed = gzip.compress(b" " * (MAX_BODY_BYTES + 1))
    reply = ask(gateway, path, packed, "gzip")
    assert (reply.status_code, detail(reply)) == (413, f"{limit}{len(packed)} that decompress to more")
    chunked = gateway.post(
        path,
        input_stream=io.BytesIO(b"x" * (MAX_BODY_BYTES + 1)),
        environ_overrides={"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
        content_type="application/json",
    )
    assert (chunked.status_code, detail(chunked)) == (413, f"{limit}more")


def test_so_is_a_form(gateway: FlaskClient) -> None:
    def upload(*files: bytes, **texts: str) -> Any:
        listed = [(io.BytesIO(file), "a.png") for file in files]
        return gateway.post("/predict/digits", data={"image": listed, **texts})

    reply = upload(b"x" * MAX_BODY_BYTES)
    assert reply.status_code == 413
    assert "at most 20000 bytes (MAX_BODY_BYTES), as sent and decompressed, got 20" in detail(reply)
    reply = upload(*[png(1)] * (MAX_INSTANCES + 2))
    assert reply.status_code == 413
    assert detail(reply) == "expected a form of at most 4 files (MAX_INSTANCES) and 500000 bytes of text, got more"


@pytest.mark.parametrize("path", [*BODIES, "/v2/repository/index"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_byte_order_mark_is_passed_over(gateway: FlaskClient, path: str, encoding: str) -> None:
    body = codecs.BOM_UTF8 + json.dumps(BODIES.get(path, {})).encode()
    assert ask(gateway, path, gzip.compress(body) if encoding == "gzip" else body, encoding).status_code == 200
