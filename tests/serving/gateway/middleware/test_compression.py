"""Answers to GET requests are compressed for those who ask."""

import gzip

import pytest
from flask.testing import FlaskClient

LARGE = ["/metrics", "/openapi.json", "/", "/static/page.css", "/docs/swagger-ui.css"]


@pytest.mark.parametrize("path", LARGE)
def test_what_is_large_is_compressed_when_asked(gateway: FlaskClient, path: str) -> None:
    plain = gateway.get(path, buffered=True)
    assert (plain.status_code, plain.content_encoding) == (200, None)
    assert "Accept-Encoding" in plain.vary
    packed = gateway.get(path, headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert (packed.content_encoding, packed.content_type) == ("gzip", plain.content_type)
    assert packed.content_length == len(packed.get_data()) < len(plain.get_data()) / 1.5
    assert "Accept-Encoding" in packed.vary
    if path != "/metrics":  # where the numbers change
        assert gzip.decompress(packed.get_data()) == plain.get_data()


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip;q=0.1", True),
        ("*", True),
        ("identity;q=0, *", True),
        ("gzip;q=1.0, identity;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *", False),
        ("identity", False),
        ("gzip;q=0.5, identity", False),
        ("br", False),
        ("", False),
        ("*;q=0", False),
    ],
)
def test_by_the_weights_that_are_given(gateway: FlaskClient, accepted: str, is_packed: bool) -> None:
    reply = gateway.get("/openapi.json", headers={"Accept-Encoding": accepted}, buffered=True)
    assert (reply.status_code, reply.content_encoding == "gzip") == (200, is_packed)


def test_what_is_small_predicted_or_an_image_is_not(gateway: FlaskClient) -> None:
    asked = {"Accept-Encoding": "gzip"}
    assert gateway.get("/healthz", headers=asked, buffered=True).content_encoding is None
    assert gateway.get("/docs/favicon-32x32.png", headers=asked, buffered=True).content_encoding is None
    instances = {"instances": [{"text": "a good film"}] * 4}
    assert gateway.post("/predict/sentiment", json=instances, headers=asked).content_encoding is None


def test_a_head_request_gets_the_same_headers(gateway: FlaskClient) -> None:
    asked = {"Accept-Encoding": "gzip"}
    head, got = (ask("/openapi.json", headers=asked) for ask in (gateway.head, gateway.get))
    assert (head.content_length, head.content_encoding) == (got.content_length, "gzip")


def test_a_compressed_file_is_revalidated_by_its_own_tag(gateway: FlaskClient) -> None:
    asked = {"Accept-Encoding": "gzip"}
    packed, plain = (
        gateway.get("/docs/swagger-ui.css", headers=asked, buffered=True),
        gateway.get("/docs/swagger-ui.css", buffered=True),
    )
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"
    again = gateway.get(
        "/docs/swagger-ui.css", headers={**asked, "If-None-Match": packed.headers["ETag"]}, buffered=True
    )
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["ETag"] == packed.headers["ETag"]
    part = gateway.get("/docs/swagger-ui.css", headers={**asked, "Range": "bytes=0-9"}, buffered=True)
    assert (part.status_code, part.content_encoding, len(part.get_data())) == (206, None, 10)
