"""GET /captures/mistakes/<model>: what it shows, and to whom."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from serving.gateway import captured_mistakes
from serving.gateway.app import close_app, create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.settings import Settings
from serving.truth import mistakes
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.problem_details import problem
from tests.serving.truth.parts import capture, feedback, write_captures, write_feedback

PATH = "/captures/mistakes/sentiment"
TEXT = "a good film"
ANSWER = {"label": "positive", "score": 0.9, "scores": {"positive": 0.9, "negative": 0.1}}

Ask = Callable[..., TestResponse]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mistakes, "MOST_SECONDS", (60.0, 60.0))


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    earlier = datetime.now(UTC) - timedelta(minutes=5)
    instance = {"text": TEXT, "another": "no field of the model's"}
    wrong = capture("r1", ANSWER, earlier, model="sentiment")
    write_captures(tmp_path / "captures", [replace(wrong, instance=instance)])
    write_feedback(tmp_path / "captures", [feedback("r1", "negative", earlier, model="sentiment")])
    return tmp_path / "captures"


@pytest.fixture
def ask(settings: Settings, captures: Path, tmp_path: Path) -> Iterator[Ask]:
    """Ask a gateway with keys as their owner; None asks without a key one that has none."""
    keys, lines, apps = {}, [], []
    for owner, rights in {
        "reader": ("*", "", True),
        "other": ("digits", "", True),
        "caller": ("*", "", False),
    }.items():
        keys[owner], line = make_key(owner, *rights)
        lines.append(f"{line}\n")
    (tmp_path / "keys").write_text("".join(lines))

    def asked(owner: str | None, path: str = PATH, **more: object) -> TestResponse:
        more = {"capture": str(captures), **({"api_keys_file": tmp_path / "keys"} if owner else {}), **more}
        app = create_app(replace(settings, **more))
        apps.append(app)
        client: FlaskClient = app.test_client()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        return client.get(path, headers={"X-API-Key": keys[owner]} if owner in keys else {})

    yield asked
    for app in apps:
        close_app(app)


@pytest.fixture
def texts_are_kept(settings: Settings, model_server: FakeModelServer) -> None:
    model_server.publish(replace(text_contract(), capture={"text": "keep"}), 1)


@pytest.mark.usefixtures("texts_are_kept")
def test_a_key_with_the_right_sees_the_fields_that_may_be_kept(ask: Ask) -> None:
    reply = ask("reader")

    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "no-store"
    found = reply.get_json()
    (wrong,) = found["mistakes"]
    assert wrong["instance"] == {"text": TEXT}
    assert wrong["answer"] == {"label": "positive", "score": 0.9}
    assert (wrong["truth"], wrong["request_id"], wrong["version"]) == ("negative", "r1", 1)
    assert (found["order"], found["known"], found["complete"]) == ("newest", 1, True)
    (accuracy,) = found["measures"]
    assert (accuracy["measure"], accuracy["value"], accuracy["answers"]) == ("accuracy", 0, 1)
    assert 0.79 < accuracy["high"] < 0.8


def test_what_a_version_must_not_keep_is_not_shown_though_it_was_kept_then(ask: Ask) -> None:
    reply = ask("reader")

    assert [it["instance"] for it in reply.get_json()["mistakes"]] == [{}]
    assert TEXT not in reply.get_data(as_text=True)


@pytest.mark.parametrize(
    ("owner", "status", "code"),
    [
        ("caller", 403, "captures_forbidden"),
        ("other", 403, "forbidden"),
        ("nobody", 401, "unauthorized"),
        (None, 403, "captures_forbidden"),
    ],
)
@pytest.mark.usefixtures("texts_are_kept")
def test_nobody_else_sees_captures_not_even_where_there_are_no_keys(
    ask: Ask, owner: str | None, status: int, code: str
) -> None:
    reply = ask(owner)

    assert (reply.status_code, problem(reply)["code"]) == (status, code)
    assert TEXT not in reply.get_data(as_text=True)


def test_without_captures_there_is_no_such_route(ask: Ask) -> None:
    assert problem(ask("reader", capture=""))["code"] == "not_found"


def test_an_unknown_model_is_none(ask: Ask) -> None:
    assert problem(ask("reader", "/captures/mistakes/parrot"))["code"] == "unknown_model"


def test_a_parameter_that_there_is_not_is_refused(ask: Ask) -> None:
    told = problem(ask("reader", f"{PATH}?version=1"))

    assert (told["status"], told["detail"]) == (400, "expected no parameters in the query, got 'version'")


def test_captures_that_cannot_be_read_are_told(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(captured_mistakes, "find_mistakes", fail)
    reply = ask("reader")

    assert (reply.status_code, problem(reply)["code"]) == (503, "captures_unavailable")


@pytest.mark.usefixtures("texts_are_kept")
def test_long_values_are_cut(ask: Ask, captures: Path) -> None:
    time = datetime.now(UTC) - timedelta(minutes=1)
    long = replace(capture("r2", ANSWER, time, model="sentiment"), instance={"text": 5000 * "a"})
    write_captures(captures, [long])
    write_feedback(captures, [feedback("r2", "negative", time, model="sentiment")])

    newest, _ = ask("reader").get_json()["mistakes"]

    assert newest["instance"]["text"] == 200 * "a" + "…"
