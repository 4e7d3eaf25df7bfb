import json
import re
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.captures import ShadowAnswer
from serving.commands.live import live
from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.conftest import served
from tests.serving.truth.parts import capture, feedback, write_captures, write_feedback, write_shadows
from tests.stack import free_port

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"
NOW = datetime.now(UTC)


def answer(label: str) -> dict[str, object]:
    return {"label": label, "score": 0.9, "scores": {label: 0.9}}


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """Ten answers of version 1, nine of them right, two of version 2, and what is to be told of them."""
    folder = tmp_path / "captures"
    at = NOW - timedelta(hours=2)
    rows = [capture(f"a{row}", answer("positive"), at, model="sentiment") for row in range(10)]
    rows += [capture(f"b{row}", answer("negative"), at, version=2, model="sentiment") for row in range(2)]
    write_captures(folder, rows)
    told = [feedback(f"a{row}", "positive" if row else "negative", NOW, "sentiment") for row in range(10)]
    write_feedback(folder, [*told, told[0], feedback("unknown", "positive", NOW, "sentiment")])
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(live, [*map(str, arguments)])


def test_a_table_has_each_version_with_its_interval(captures: Path) -> None:
    done = run("sentiment", "--captures", captures)

    assert done.exit_code == 0, done.output
    assert re.sub(" +", " ", done.output).splitlines()[1:] == [
        "VERSION MEASURE VALUE 95 % INTERVAL TEST ANSWERS COVERAGE DELAY 90 % WITHIN",
        "1 accuracy 0.9 0.5958 to 0.9821 - 10 of 10 100.0% 2.0 h 2.0 h",
        "2 - - - - 0 of 2 0.0% - -",
        "feedback: 1 of answers that were not captured in this time, 1 repeated, 0 corrected, 0 of another kind than "
        "the answer",
    ]


def test_a_version_and_its_shadow_are_compared_on_the_same_instances(captures: Path, tmp_path: Path) -> None:
    labels = {"a0": "negative", "a1": "negative", "a2": "negative", "a3": "positive", "b0": "positive"}
    shadows = [
        ShadowAnswer(time=NOW, request_id=name, index=0, model="sentiment", version=3, answer=answer(label))
        for name, label in labels.items()
    ]
    write_shadows(captures, shadows)
    done = run("sentiment", "--captures", captures, "--metrics-file", tmp_path / "live.prom")

    assert re.sub(" +", " ", done.output).splitlines()[-3:] == [
        "shadows, on the same instances",
        "SHADOW OF VERSION MEASURE ANSWERS DIFFERENCE BETTER P",
        "3 1 accuracy 4 -0.25 1 : 2 1",
    ]
    told = gauges((tmp_path / "live.prom").read_text())
    labelled = '{head="",measure="accuracy",model="sentiment",shadow="3",version="1"}'
    names = ("paired_answers", "shadow_better", "shadow_worse")
    assert [told[name + labelled] for name in names] == [4, 1, 2]


def test_json_has_all_that_is_known(captures: Path) -> None:
    (told,) = json.loads(run("--captures", captures, "--json", "--window", "3h").output)["models"]

    assert (told["model"], told["unknown"], told["until"] - told["since"]) == ("sentiment", 1, 10800)
    assert [(it["version"], it["answers"], it["known"]) for it in told["versions"]] == [(1, 10, 10), (2, 2, 0)]
    assert told["versions"][0]["measures"][0]["interval"] == pytest.approx([0.59585, 0.982124], abs=1e-6)


def test_the_measure_on_the_test_rows_stands_beside(captures: Path, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    app = create_app(Settings(model_server=model_server.address, models=("sentiment",), refresh_seconds=0.05))
    wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
    with served(app) as url:
        done = run("sentiment", "--captures", captures, "--url", url)

    assert "1 accuracy 0.9 0.5958 to 0.9821 0.91 10 of 10" in re.sub(" +", " ", done.output)


def test_to_go_on_needs_a_place_for_the_figures(captures: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for option, value, problem in (
            ("--every", "1m", "--every needs --listen or --metrics-file"),
            ("--listen", address, f"--listen {address}: [Errno 98] Address already in use"),
        ):
            result = run("sentiment", "--captures", captures, option, value)
            assert (result.exit_code, problem in result.output) == (2, True), result.output


def test_models_without_captures_are_errors(captures: Path, tmp_path: Path) -> None:
    assert run("zebra", "--captures", captures).output == f"Error: {captures}: no captures of zebra\n"
    assert run("--captures", tmp_path / "none").output == f"Error: {tmp_path / 'none'}: no captures of any model\n"
    assert "expected HOST:PORT, such as 127.0.0.1:9400" in run("--captures", captures, "--listen", "9400").output


def gauges(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^plumbline_live_(\S+) (\S+)$", text, re.M)}


def test_a_file_has_the_gauges_that_the_documentation_lists(captures: Path, tmp_path: Path) -> None:
    assert run("--captures", captures, "--metrics-file", tmp_path / "live.prom").exit_code == 0

    text = (tmp_path / "live.prom").read_text()
    documented = DOCS.read_text("utf-8").partition("## Live")[2]
    assert re.findall(r"^# TYPE (\w+) gauge$", text, re.M) == re.findall(r"^\| `(\w+)` \| gauge", documented, re.M)
    values = gauges(text)
    labels = 'head="",measure="accuracy",model="sentiment",version="1"'
    assert values[f"measure{{{labels}}}"] == 0.9
    assert values[f"measure_low{{{labels}}}"] == pytest.approx(0.59585, abs=1e-6)
    assert values[f"measured_answers{{{labels}}}"] == 10
    assert values['delay_seconds{model="sentiment",quantile="0.5",version="1"}'] == pytest.approx(7200, abs=60)


def test_a_process_that_listens_follows_what_comes(captures: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "serving", "live", "--captures", str(captures), "--every", "1s"]

    def known() -> float:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
                text = reply.read().decode()
        except OSError:
            return -1
        return gauges(text).get('known_answers{model="sentiment",version="2"}', -1)

    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"], stderr=log)
    try:
        wait_until(lambda: known() == 0)
        write_feedback(captures, [feedback("b1", "negative", NOW, "sentiment")])
        wait_until(lambda: known() == 1)
    finally:
        process.terminate()
        process.wait(30)
    assert (tmp_path / "log").read_text().count("listening") == 1
