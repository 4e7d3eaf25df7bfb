"""The clients and the real gateway: answers, pictures, many instances, versions, keys, https."""

import base64
import datetime
import ssl
import subprocess
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import trustme

from serving import errors
from serving.client import Client, GatewayUnavailable
from serving.client.calls import REQUEST_ID
from serving.gateway.middleware import request_ids
from serving.gateway.middleware.key_file import make_key
from tests.serving.client.conftest import MIXED, Connect, gateway, scripted
from tests.serving.contracts import answers, image_contract, png, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.test_serve import Running

TEXT = {"text": "a good film"}
HOUSE = {"rooms": 5.0, "age": 30.0}


def test_an_answer_has_what_the_model_says(url: str, connect: Connect) -> None:
    client = connect(url)
    (expected,) = answers(text_contract(), [TEXT])

    answer = client.predict("sentiment", TEXT)

    assert (answer.model, answer.version, answer.json) == ("sentiment", 1, expected)
    assert (answer.label, answer.score, answer.scores) == (expected["label"], expected["score"], expected["scores"])
    assert len(answer.request_id) == 32
    with pytest.raises(AttributeError, match="version 1, answer value: expected one of label, score, scores"):
        _ = answer.value
    value = client.predict("house_price", HOUSE)
    assert (value.value, value.unit) == (answers(tabular_contract(), [HOUSE])[0]["value"], "1000 USD")
    with pytest.raises(TypeError, match="house_price has one head"):
        value["unit"]


def test_several_heads_have_an_answer_each(url: str, connect: Connect) -> None:
    (answer, *_) = connect(url).predict_many("mixed", MIXED.instances)
    expected = MIXED.answers[0]

    assert answer["label"].label == expected["label"]["label"]
    assert answer["topics"].tags == expected["topics"]["tags"]
    assert answer["topics"].scores == expected["topics"]["scores"]
    assert answer["price"].value == expected["price"]["value"]
    assert answer.json == expected
    with pytest.raises(KeyError, match="expected one of label, topics, price, got 'cost'"):
        answer["cost"]


def test_pictures_come_from_files_and_bytes_anywhere_in_an_instance(url: str, connect: Connect, tmp_path: Path) -> None:
    client = connect(url)
    picture = tmp_path / "eine Ziffer.png"
    picture.write_bytes(png(200))
    expected = answers(image_contract(), [{"image": base64.b64encode(png(200)).decode()}])[0]

    assert client.predict("digits", {"image": picture}).json == expected
    assert client.predict("digits", {"image": png(200)}).json == expected
    mixed = {**MIXED.instances[0], "picture": picture, "day": datetime.date(2026, 11, 3)}
    assert client.predict("mixed", mixed)["label"].label in ("no", "yes")


def test_numbers_of_numpy_are_numbers(url: str, connect: Connect) -> None:
    row = {"rooms": np.float32(5.0), "age": np.array(30)}
    assert connect(url).predict("house_price", row).json == answers(tabular_contract(), [HOUSE])[0]
    curve = {**MIXED.instances[0], "curve": np.array([1.0, 2.0])}
    assert connect(url).predict("mixed", curve).json == MIXED.answers[0]


@pytest.mark.parametrize(("settings", "requests"), [({"max_instances": 4}, 3), ({"max_body_bytes": 200}, 2), ({}, 1)])
def test_many_are_split_by_the_gateways_limits(
    model_server: FakeModelServer, connect: Connect, settings: dict[str, int], requests: int
) -> None:
    texts = [{"text": f"film {number} " + "good " * (number % 5)} for number in range(9)]
    with gateway(model_server, **settings, max_batch_rows=1) as url:
        model_server.forget()
        told = connect(url).predict_many("sentiment", (text for text in texts))

    assert [answer.json for answer in told] == answers(text_contract(), texts)
    assert len(model_server.rows) == requests


def test_none_of_many_is_no_answer(url: str, connect: Connect) -> None:
    assert connect(url).predict_many("sentiment", []) == []


def test_limits_that_shrink_are_learnt_again(connect: Connect) -> None:
    limits = b'{"models": [], "limits": {"instances": 9, "body_bytes": 1000}}'
    fewer = limits.replace(b"9", b"2")
    json = {"Content-Type": "application/json"}
    refusal = b'{"code": "too_large", "detail": "too many", "status": 413}'
    two = b'{"model": "m", "version": 1, "predictions": [{"value": 1}, {"value": 2}]}'
    one = b'{"model": "m", "version": 1, "predictions": [{"value": 3}]}'
    problem = {"Content-Type": "application/problem+json"}
    with scripted(
        (200, json, limits), (413, problem, refusal), (200, json, fewer), (200, json, two), (200, json, one)
    ) as s:
        told = connect(s.url).predict_many("m", [{"x": 1}, {"x": 2}, {"x": 3}])
        assert [answer.value for answer in told] == [1, 2, 3]
    with (
        scripted((200, json, limits), (413, problem, refusal), (200, json, limits)) as s,
        pytest.raises(errors.RequestTooLarge),
    ):
        connect(s.url).predict_many("m", [{"x": 1}])


def test_an_instance_that_no_request_can_hold_is_named(model_server: FakeModelServer, connect: Connect) -> None:
    too_large = pytest.raises(errors.RequestTooLarge, match="at most 200 bytes, got 311 for instance 1 alone")
    with gateway(model_server, max_body_bytes=200) as url, too_large:
        connect(url).predict_many("sentiment", [TEXT, {"text": "x" * 300}])


def test_gunicorn_refuses_what_is_too_large_and_takes_what_was_split(
    model_server: FakeModelServer, connect: Connect, tmp_path: Path
) -> None:
    model_server.publish(text_contract())
    running = Running(model_server.address, tmp_path, tmp_path / "log", MODELS="sentiment", WORKERS="1")
    wait_until(running.ready)
    client = connect(f"http://127.0.0.1:{running.port}")
    with pytest.raises(errors.RequestTooLarge, match="at most 5000 bytes"):
        client.predict("sentiment", {"text": "x" * 6000})
    texts = [{"text": "good " * (number % 90) + "film"} for number in range(100)]
    assert [answer.json for answer in client.predict_many("sentiment", texts)] == answers(text_contract(), texts)
    with pytest.raises(errors.RequestTooLarge, match="at most 5000 bytes, got"):
        client.predict("sentiment", {"text": "x" * 6000})
    running.process.terminate()
    running.process.wait(30)


def test_a_version_or_a_label_can_be_named(model_server: FakeModelServer, connect: Connect) -> None:
    model_server.publish(text_contract(weights=3), 2, weights=3)
    model_server.labels["sentiment", "stable"] = 1
    with gateway(model_server) as url:
        client = connect(url)
        wait_until(lambda: client.predict("sentiment", TEXT).version == 2)
        assert client.predict("sentiment", TEXT, version=1).version == 1
        assert [answer.version for answer in client.predict_many("sentiment", [TEXT], label="stable")] == [1]
        with pytest.raises(errors.UnknownVersion):
            client.predict("sentiment", TEXT, version=7)
        with pytest.raises(errors.UnknownLabel):
            client.predict("sentiment", TEXT, label="a&b=ü")
        with pytest.raises(ValueError, match="expected version or label, got both"):
            client.predict("sentiment", TEXT, version=1, label="stable")


@pytest.mark.parametrize("model", ["zebra", "..", "a/b", "sentiment?version=1", "ü", "sentiment/../digits"])
def test_a_model_that_is_not_served_is_unknown(url: str, connect: Connect, model: str) -> None:
    with pytest.raises(errors.RequestError) as raised:
        connect(url).predict(model, TEXT)
    assert (
        raised.value.status == 400
        or isinstance(raised.value, errors.UnknownModel)
        or model in ("a/b", "sentiment/../digits")
    )
    assert raised.value.request_id


def test_what_is_wrong_with_instances_is_told_with_its_place(model_server: FakeModelServer, connect: Connect) -> None:
    bad = {**MIXED.instances[0], "note": ["a", None], "day": "soon"}
    with gateway(model_server, max_instances=2) as url:
        client = connect(url)
        with pytest.raises(errors.InvalidInstance) as raised:
            client.predict("mixed", bad)
        error = raised.value
        assert (error.model, error.count, len(error.request_id)) == ("mixed", 2, 32)
        assert sorted((fault.row, fault.path) for fault in error.faults) == [(0, ("day",)), (0, ("note", 1))]
        assert sorted(fault.pointer for fault in error.faults) == ["/day", "/note/1"]
        assert "instance 0, field 'note/1': expected a string, got nothing (the first of 2 errors)" in str(error)
        with pytest.raises(errors.InvalidInstance) as raised:
            client.predict_many("mixed", [*MIXED.instances[:3], bad])
        assert {fault.row for fault in raised.value.faults} == {3}
        assert "instance 3" in str(raised.value)


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        (float("nan"), ("x",), "expected a finite number or None, got nan"),
        ([1, {"y": object}], ("x", 1, "y"), "expected text, a number, a date, a file's path, bytes"),
        ({1: 2}, ("x",), "expected names that are text, got 1"),
        (Path("/no/such/file"), ("x",), "expected a file that can be read, got '/no/such/file': No such file"),
        (Path("/dev/zero"), ("x",), "expected the path of a file, got '/dev/zero', which is none"),
        (Path("a\0b"), ("x",), "expected a file that can be read, got "),
        ("\ud800", ("x",), r"expected text of Unicode characters, got '\ud800'"),
        (2**64, ("x",), "expected a number of 64 bits, got a larger one"),
    ],
    ids=repr,
)
def test_what_can_not_be_sent_is_told_with_its_place(value: Any, path: tuple[str | int, ...], problem: str) -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(errors.InvalidInstance) as raised:
        client.predict("m", {"w": 1, "x": value})
    (fault,) = raised.value.faults
    assert fault.path == path
    assert fault.problem.startswith(problem)


def test_a_list_that_holds_itself_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with Client("http://127.0.0.1:9") as client, pytest.raises(errors.InvalidInstance, match="nested at most 100 deep"):
        client.predict("m", {"x": endless})


def test_models_readiness_and_health(model_server: FakeModelServer, connect: Connect) -> None:
    with gateway(model_server, models=("sentiment", "digits", "absent")) as url:
        client = connect(url)
        told = {model.name: model for model in client.models()}
        assert told["sentiment"].ready
        assert told["sentiment"].versions == (1,)
        assert told["sentiment"].data == "sample"
        assert not told["absent"].ready
        assert told["absent"].problem
        assert (client.alive(), client.ready(), client.ready("sentiment"), client.ready("absent")) == (
            True,
            False,
            True,
            False,
        )
        with pytest.raises(errors.UnknownModel, match="'zebra'; this gateway serves sentiment, digits, absent"):
            client.ready("zebra")
    assert not client.alive()
    assert not client.ready()
    with pytest.raises(GatewayUnavailable, match=f"no gateway answers at {url}"):
        client.models(deadline_seconds=0.3)


def test_keys_are_sent_and_never_shown(model_server: FakeModelServer, connect: Connect, tmp_path: Path) -> None:
    key, line = make_key("alice")
    (tmp_path / "keys").write_text(f"{line}\n")
    with gateway(model_server, api_keys_file=tmp_path / "keys") as url:
        assert connect(url, api_key=key).predict("sentiment", TEXT).version == 1
        for wrong in (None, "wrong"):
            with pytest.raises(errors.Unauthorized):
                connect(url, api_key=wrong).predict("sentiment", TEXT)
    with pytest.raises(ValueError, match="expected an api_key") as raised:
        connect(url, api_key=f"{key}\n")
    assert key not in str(raised.value)


def test_a_request_id_can_be_chosen(url: str, connect: Connect) -> None:
    client = connect(url)
    assert client.predict("sentiment", TEXT, request_id="order-7").request_id == "order-7"
    with pytest.raises(errors.InvalidInstance) as raised:
        client.predict("sentiment", {"text": 5}, request_id="order-8")
    assert raised.value.request_id == "order-8"
    with pytest.raises(ValueError, match="expected a request id"):
        client.predict("sentiment", TEXT, request_id="a\r\nb: c")
    assert REQUEST_ID.pattern == request_ids._ACCEPTED.pattern


def test_https_is_checked(connect: Connect) -> None:
    authority = trustme.CA()

    class Told(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Told)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    address = f"https://127.0.0.1:{server.server_port}"
    assert connect(address, tls=trusting).alive()
    with pytest.raises(GatewayUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        connect(address).models(deadline_seconds=0.5)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "address",
    ["localhost:8000", "ftp://a", "http://", "http://user:secret@a", "http://a?b", "http://a#b", "/x"],
)
def test_an_address_that_is_none_is_refused(connect: Connect, address: str) -> None:
    with pytest.raises(ValueError, match="expected a URL") as raised:
        connect(address)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "settings",
    [{"deadline_seconds": 0}, {"deadline_seconds": float("nan")}, {"max_connections": 0}, {"max_reply_bytes": 0}],
)
def test_settings_that_can_not_be_used_are_refused(connect: Connect, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        connect("http://a", **settings)


def test_the_import_is_light() -> None:
    code = "import sys, serving.client; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "httpx" in modules
    assert not {"numpy", "flask", "grpc", "PIL", "tensorflow", "keras", "orjson"} & {*modules}


def test_without_httpx_the_extra_is_named() -> None:
    code = "import sys, importlib.util as util; util.find_spec = lambda name: None; import serving.client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("serving.client needs httpx: pip install 'plumbline[client]'")
