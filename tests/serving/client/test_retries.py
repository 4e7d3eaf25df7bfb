"""When the clients ask again, when they give up, and what they make of replies that are none of a gateway's."""

import socket
import time
from email.utils import formatdate
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from serving import errors
from serving.client import GatewayTimeout, GatewayUnavailable, UnexpectedReply
from serving.client.calls import MAX_ATTEMPTS
from serving.gateway.middleware.key_file import make_key
from tests.serving.client.conftest import Connect, gateway, scripted
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer

TEXT = {"text": "a good film"}
JSON = {"Content-Type": "application/json"}
PROBLEM = {"Content-Type": "application/problem+json"}
ANSWER = (200, JSON, b'{"model": "m", "version": 1, "predictions": [{"value": 2.5, "unit": ""}]}')


def later(status: int, code: str = "overloaded", **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {**PROBLEM, **named}, b'{"detail": "m: try later", "code": "%s", "model": "m"}' % code.encode()


def test_a_real_gateway_that_limits_the_rate_is_asked_again_when_it_says(
    model_server: FakeModelServer, connect: Connect, tmp_path: Path
) -> None:
    key, line = make_key("alice")
    (tmp_path / "keys").write_text(f"{line}\n")
    with gateway(model_server, api_keys_file=tmp_path / "keys", rate_limit="2/second") as url:
        client = connect(url, api_key=key)
        started = time.monotonic()
        told = [client.predict("sentiment", TEXT).version for _ in range(4)]
        assert told == [1] * 4
        assert 1 <= time.monotonic() - started < 10
    with gateway(model_server, api_keys_file=tmp_path / "keys", rate_limit="1/hour") as url:
        client = connect(url, api_key=key)
        client.predict("sentiment", TEXT)
        started = time.monotonic()
        with pytest.raises(errors.RateLimited, match="1/hour for alice") as raised:
            client.predict("sentiment", TEXT, deadline_seconds=60)
        assert 3500 <= raised.value.retry_after_seconds <= 3600
        assert time.monotonic() - started < 30  # waiting would have been in vain


def test_a_model_of_a_real_gateway_that_is_not_ready_yet_is_waited_for(
    model_server: FakeModelServer, connect: Connect
) -> None:
    with gateway(model_server, models=("late", "sentiment")) as url:
        publish = Timer(0.5, lambda: model_server.publish(text_contract("late")))
        publish.start()
        assert connect(url).predict("late", TEXT).version == 1
        publish.join()
        with pytest.raises(errors.UnknownModel):
            connect(url).predict("never", TEXT)


def test_the_deadline_is_passed_on_to_the_real_gateway_and_its_model_server(
    model_server: FakeModelServer, connect: Connect
) -> None:
    with gateway(model_server) as url:
        client = connect(url)
        client.predict("sentiment", TEXT)
        model_server.forget()
        model_server.delay_seconds = 4.0
        started = time.monotonic()
        with pytest.raises(errors.ModelServerTimeout):
            client.predict("sentiment", TEXT, deadline_seconds=0.3)
        assert time.monotonic() - started < 3.5
        assert model_server.deadlines[0] < 0.31  # measured by the server's clock


@pytest.mark.parametrize("status", [429, 503])
def test_it_is_asked_again_after_the_seconds_that_are_told(connect: Connect, status: int) -> None:
    with scripted(later(status, Retry_After="1"), ANSWER) as server:
        assert connect(server.url).predict("m", {"x": 1}, request_id="same").value == 2.5
    (_, path, first, body, asked), (_, _, second, again, at) = server.asked
    assert path == "/predict/m"
    assert body == again == b'{"instances":[{"x":1}]}'
    assert 1 <= at - asked < 3
    assert first["x-request-id"] == second["x-request-id"] == "same"
    assert 29 < float(first["x-request-timeout"]) <= 30
    assert float(second["x-request-timeout"]) <= 29


def test_a_date_is_understood_too(connect: Connect) -> None:
    with scripted(later(503, Retry_After=formatdate(time.time() + 2, usegmt=True)), ANSWER) as server:
        connect(server.url).predict("m", {"x": 1})
    assert 0.5 < server.asked[1][-1] - server.asked[0][-1] < 4


@pytest.mark.parametrize("told", ["soon", "-5", "0", "1e3", "²"])
def test_what_is_no_time_is_no_reason_to_hurry_or_to_stop(connect: Connect, told: str) -> None:
    told = told.encode().decode("latin-1")
    with scripted(later(503, Retry_After=told), later(429, Retry_After=told), ANSWER) as server:
        assert connect(server.url).predict("m", {"x": 1}).value == 2.5
    first, second, third = (asked[-1] for asked in server.asked)
    assert 0.1 <= second - first < 10
    assert 0.2 <= third - second < 10


def test_attempts_end(connect: Connect) -> None:
    with scripted(later(429)) as server, pytest.raises(errors.Overloaded, match=r"^m: try later$"):
        connect(server.url, deadline_seconds=60).predict("m", {"x": 1})
    assert len(server.asked) == MAX_ATTEMPTS


def test_no_pause_goes_beyond_the_deadline(connect: Connect) -> None:
    started = time.monotonic()
    with scripted(later(503, "model_not_ready", Retry_After="20")) as server, pytest.raises(errors.ModelNotReady):
        connect(server.url).predict("m", {"x": 1}, deadline_seconds=15)
    assert time.monotonic() - started < 10
    assert len(server.asked) == 1


def test_what_is_wrong_with_the_request_is_not_sent_again(connect: Connect) -> None:
    for status, code, kind in (
        (400, "malformed_request", errors.MalformedRequest),
        (404, "unknown_model", errors.UnknownModel),
        (415, "unsupported_media_type", errors.UnsupportedMedia),
        (500, "parity", errors.ParityError),
        (500, "internal", errors.PredictionError),
        (502, "model_server_error", errors.ModelServerError),
        (504, "model_server_timeout", errors.ModelServerTimeout),
        (405, "method_not_allowed", errors.RequestError),
    ):
        with scripted(later(status, code)) as server, pytest.raises(kind) as raised:
            connect(server.url).predict("m", {"x": 1})
        assert type(raised.value) is kind
        assert (str(raised.value), raised.value.model) == ("m: try later", "m")
        assert len(server.asked) == 1


def test_a_connection_that_nobody_takes_is_tried_again_and_named(connect: Connect) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(GatewayUnavailable, match=f"m: no gateway answers at {url}: ") as raised:
            connect(url, deadline_seconds=1).predict("m", {"x": 1}, request_id="mine")
    assert raised.value.request_id == "mine"
    assert isinstance(raised.value, errors.ModelServerUnavailable)


LOST = (0, {}, b"")


def test_a_request_whose_connection_is_lost_is_sent_again_once(connect: Connect) -> None:
    with scripted(LOST, ANSWER) as server:
        client = connect(server.url)
        assert client.predict("m", {"x": 1}, request_id="same").value == 2.5
    assert [headers["x-request-id"] for _, _, headers, _, _ in server.asked] == ["same", "same"]
    assert client.lost == 1

    with scripted(LOST) as server, pytest.raises(GatewayUnavailable, match="m: no gateway answers at"):
        connect(server.url).predict("m", {"x": 1})
    assert len(server.asked) == 2


def test_a_reply_that_does_not_end_is_given_up(connect: Connect) -> None:
    drops = (200, {**JSON, "Content-Length": "1000"}, [b" "] * 200)
    with scripted(drops, pause_seconds=0.1) as server:
        started = time.monotonic()
        with pytest.raises(GatewayTimeout, match=r"m: no answer within 0\.5 s"):
            connect(server.url).predict("m", {"x": 1}, deadline_seconds=0.5)
        assert time.monotonic() - started < 15


def test_a_reply_that_is_too_large_is_refused(connect: Connect) -> None:
    with scripted((200, JSON, b" " * 5000)) as server, pytest.raises(UnexpectedReply, match="at most 1000 bytes"):
        connect(server.url, max_reply_bytes=1000).predict("m", {"x": 1})


PREDICTIONS = b'{"model": "m", "version": 1, "predictions": %s}'


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html>Log in</html>"), "a JSON object, got b'<html>Log in"),
        ((200, JSON, b"[" * 100_000), "a JSON object, got b'"),
        ((200, JSON, b"[1]"), r"a JSON object, got \[1\]"),
        ((200, JSON, b"{}"), "version: an integer, got nothing"),
        ((200, JSON, b'{"model": "m", "version": true, "predictions": []}'), "version: an integer, got True"),
        ((200, JSON, PREDICTIONS.replace(b'"m"', b'"n"') % b"[{}]"), "model: 'm', got 'n'"),
        ((200, JSON, PREDICTIONS % b"[]"), "1 predictions, got 0"),
        ((200, JSON, PREDICTIONS % b"[5]"), "predictions/0: an object, got 5"),
        ((301, {"Location": "http://elsewhere"}, b""), "301 Moved Permanently"),
        ((404, {"Content-Type": "text/html"}, b"nginx"), "404 Not Found: b'nginx'"),
        ((422, PROBLEM, b'{"code": "invalid_instance", "detail": "?"}'), "errors: a list, got nothing"),
        ((200, {**JSON, "Content-Encoding": "gzip"}, b"x"), "not compressed, got Content-Encoding 'gzip'"),
        ((299, JSON, b"x"), r"a JSON object, got b'x' \(299 \)"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_reply_that_is_none_of_a_gateways_says_what_came(connect: Connect, reply: Any, told: str) -> None:
    with scripted(reply) as server, pytest.raises(UnexpectedReply, match=told):
        connect(server.url).predict("m", {"x": 1})


@pytest.mark.parametrize("limits", [b"", b', "limits": 5', b', "limits": {"instances": 0, "body_bytes": 5}'])
def test_a_gateway_that_does_not_tell_its_limits_is_not_guessed_at(connect: Connect, limits: bytes) -> None:
    with scripted((200, JSON, b'{"models": []%s}' % limits)) as server, pytest.raises(UnexpectedReply, match="limits"):
        connect(server.url).predict_many("m", [{"x": 1}])


@pytest.mark.parametrize(
    ("status", "kind"),
    [(413, errors.RequestTooLarge), (502, GatewayUnavailable), (504, GatewayTimeout), (401, errors.Unauthorized)],
)
def test_what_a_proxy_refuses_is_of_the_same_kind(connect: Connect, status: int, kind: type[Exception]) -> None:
    with (
        scripted((status, {"Content-Type": "text/html"}, b"<h1>proxy</h1>")) as server,
        pytest.raises(kind, match="proxy"),
    ):
        connect(server.url).predict("m", {"x": 1})


def test_a_member_of_another_type_is_told_where_it_is_read(connect: Connect) -> None:
    with scripted(
        (200, JSON, PREDICTIONS % b'[{"value": "2", "tags": "a", "vector": [true], "scores": []}]')
    ) as server:
        answer = connect(server.url).predict("m", {"x": 1})
    for name in ("value", "tags", "vector", "scores"):
        with pytest.raises(UnexpectedReply, match=f"m: version 1, answer {name}: expected"):
            getattr(answer, name)
