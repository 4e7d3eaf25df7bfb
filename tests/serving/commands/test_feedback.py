import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from serving.captures import parts_in, read_part
from serving.commands import feedback as module
from serving.commands.feedback import feedback
from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from serving.truth.feedback import Feedback
from tests.serving.commands.test_drift import saved
from tests.serving.contracts import tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.conftest import served


def kept(folder: Path, model: str = "sentiment") -> list[tuple[str, int, Any]]:
    lines = (
        read
        for path, _ in parts_in(str(folder), model, "feedback")
        for read in read_part(str(folder), path, Feedback.from_json)
    )
    return sorted((it.request_id, it.index, it.truth) for it in lines)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(feedback, [*map(str, arguments)])


@pytest.fixture
def sentiment(tmp_path: Path) -> Path:
    return saved(tmp_path / "sentiment", text_contract())


def test_a_file_is_told_to_a_gateway_in_batches(model_server: FakeModelServer, tmp_path: Path) -> None:
    model_server.publish(text_contract())
    (tmp_path / "truths.csv").write_text("request_id,truth\n" + "".join(f"a{n},positive\n" for n in range(7)))
    place = tmp_path / "captures"
    app = create_app(
        Settings(
            model_server=model_server.address,
            models=("sentiment",),
            refresh_seconds=0.05,
            capture=str(place),
            max_instances=3,
        )
    )
    wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
    with served(app) as url:
        done = run(tmp_path / "truths.csv", "--model", "sentiment", "--url", url)
        refused = run(tmp_path / "truths.csv", "--model", "zebra", "--url", url)

    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}/truths.csv: 7 truths told, 0 rows left out\n")
    assert kept(place) == [(f"a{n}", 0, "positive") for n in range(7)]
    assert (refused.exit_code, "unknown model 'zebra'" in refused.output) == (1, True)


def test_rows_that_are_wrong_are_left_out_and_named(sentiment: Path, tmp_path: Path) -> None:
    rows = [
        {"id": "a", "index": 2, "truth": "positive"},
        {"id": "a b", "truth": "positive"},
        {"id": "b", "index": -1, "truth": "positive"},
        {"id": "c", "truth": "great"},
        {"id": "d", "truth": "negative"},
    ]
    (tmp_path / "truths.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    options = ("--column", "request_id=id", "--saved-model", sentiment, "--captures", tmp_path / "captures")
    done = run(tmp_path / "truths.jsonl", "--model", "sentiment", *options)

    assert done.exit_code == 3
    assert done.stdout == f"{tmp_path}/truths.jsonl: 2 truths told, 3 rows left out\n"
    assert done.stderr.splitlines() == [
        "left out row 2: request_id: expected the X-Request-ID of a prediction, got 'a b'",
        "left out row 3: index: expected a whole number from 0, got -1",
        "left out row 4: truth: expected one of negative, positive, got 'great'",
    ]
    assert kept(tmp_path / "captures") == [("a", 2, "positive"), ("d", 0, "negative")]


def test_parquet_and_csv_of_numbers_are_read(tmp_path: Path) -> None:
    houses = saved(tmp_path / "houses", tabular_contract())
    table = pa.table({"request_id": ["a", "b"], "index": pa.array([0, 1], pa.int32()), "truth": [24.5, None]})
    pq.write_table(table, tmp_path / "truths.parquet")
    (tmp_path / "truths.csv").write_text("request_id;truth\nc;31,5\n")
    options = ("--model", "house_price", "--saved-model", houses, "--captures", tmp_path / "captures")

    columns = run(tmp_path / "truths.parquet", *options)
    cells = run(tmp_path / "truths.csv", *options)

    assert (columns.exit_code, cells.exit_code) == (3, 0)
    assert "left out row 2: truth: expected a finite number, got nothing" in columns.stderr
    assert kept(tmp_path / "captures", "house_price") == [("a", 0, 24.5), ("c", 0, 31.5)]


def test_what_can_not_be_read_is_an_error(sentiment: Path, tmp_path: Path) -> None:
    (tmp_path / "truths.csv").write_text("request_id,label\na,positive\n")
    options = ("--model", "sentiment", "--saved-model", sentiment, "--captures", tmp_path / "captures")

    lacking = run(tmp_path / "truths.csv", *options)
    missing = run(tmp_path / "none.csv", *options)
    unknown = run(tmp_path / "truths.csv", *options, "--column", "label=truth")

    assert (lacking.exit_code, missing.exit_code, unknown.exit_code) == (1, 1, 2)
    assert "truth" in lacking.output
    assert "none.csv" in missing.output
    assert "expected FIELD=NAME, where FIELD is one of request_id, index, truth" in unknown.output


class Busy:
    """A gateway that answers its first requests with feedback by *statuses*, and takes those that follow."""

    def __init__(self, statuses: list[int]) -> None:
        self.statuses = statuses
        self.taken: list[str] = []

    @Request.application
    def __call__(self, request: Request) -> Response:
        if request.path == "/models":
            return Response('{"limits": {"instances": 2}}', mimetype="application/json")
        status = self.statuses.pop(0) if self.statuses else 202
        if status == 202:
            self.taken += [item["request_id"] for item in request.get_json()["feedback"]]
        return Response(json.dumps({"detail": f"status {status}"}), status, mimetype="application/json")


@pytest.fixture
def busy() -> Iterator[tuple[Busy, str]]:
    app = Busy([])
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield app, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_gateway_that_is_busy_is_asked_again(
    busy: tuple[Busy, str], sentiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, url = busy
    gateway.statuses = [202, 429, 503, 202]
    (tmp_path / "truths.csv").write_text("request_id,truth\na,positive\nb,positive\nc,positive\n")
    options = ("--model", "sentiment", "--saved-model", sentiment, "--url", url)

    done = run(tmp_path / "truths.csv", *options)
    monkeypatch.setattr(module, "_GIVE_UP_SECONDS", 0.0)
    gateway.statuses = [202, 503]
    away = run(tmp_path / "truths.csv", *options)
    gateway.statuses = [404]
    off = run(tmp_path / "truths.csv", *options)

    assert done.exit_code == 0, done.output
    assert gateway.taken == ["a", "b", "c", "a", "b"]
    assert (away.exit_code, off.exit_code) == (75, 2)
    assert "run it again for the rest: status 503" in away.stderr
    assert "status 404" in off.stderr
