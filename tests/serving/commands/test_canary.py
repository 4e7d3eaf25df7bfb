"""`plumbline canary` in a process of its own, with real gateways whose callers don't notice."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.catalog.weights import parse
from serving.commands.canary import canary
from serving.rollout.canary_run import CanaryRun
from serving.rollout.gateways import Gateways
from serving.rollout.readings import Series
from tests.serving.fake_model_server import FakeModelServer, Model, wait_until
from tests.serving.rollout.system import System, failing, good, skewed

QUICK = ("--steps", "20,50,100", "--hold", "2s", "--every", "0.5s", "--expires", "30s")


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    said, _ = process.communicate(timeout=300)
    return process.returncode, said


@pytest.mark.parametrize(("fault", "why"), [(skewed, "predictions are positive"), (failing, "requests failed")])
def test_a_worse_version_is_rolled_back_and_gets_no_request_any_more(
    model_server: FakeModelServer, tmp_path: Path, fault: Model, why: str
) -> None:
    with System(tmp_path, model_server, fault) as system:
        status, said = ended(system.start("--gateway", system.url, *QUICK))
        assert (status, why in said) == (3, True), said
        lines = parse(system.document.read_text())["sentiment"]
        assert (lines.stable, lines.shares, why in lines.refused[5]) == (4, {}, True)
        wait_until(lambda: system.refuses(5))
        had = dict(system.answered)
        wait_until(lambda: system.answered[4] > had[4] + 500)
        assert system.answered[5] == had[5]
        again, said = ended(system.start("--gateway", system.url))
        assert (again, "version 5 of sentiment is refused: rolled back" in said) == (3, True)
    last = json.loads(system.audit.read_text().splitlines()[-1])
    assert (last["what"], last["stable"], last["evidence"]["canary"]["requests"] >= 50) == ("rolled back", 4, True)


def test_a_canary_that_is_killed_goes_on_when_it_is_run_again(model_server: FakeModelServer, tmp_path: Path) -> None:
    with System(tmp_path, model_server, good) as system:
        killed = system.start("--gateway", system.url, *QUICK)
        wait_until(lambda: 5 in (shares := system.shares) and shares[5] == 50, 120)
        killed.kill()
        ended(killed)
        assert system.shares == {5: 50}
        stopped = system.start("--gateway", system.url, *QUICK)
        assert "version 5 gets 50 %" in stopped.stdout.readline()  # type: ignore[union-attr]
        stopped.send_signal(signal.SIGTERM)
        status, said = ended(stopped)
        assert (status, "the share of 50 % stays until its time is over" in said) == (75, True), said
        status, said = ended(system.start("--gateway", system.url, *QUICK))
        assert (status, "gets 20 %" in said, "version 5 is the stable one now" in said) == (0, False, True), said
        assert system.document.read_text() == "sentiment=5\n"
        had = system.answered[5]
        wait_until(lambda: system.answered[5] > had + 100)
        assert set(system.answered) == {4, 5}, "nobody noticed"


@pytest.mark.parametrize(
    ("document", "live", "chosen"),
    [
        ("sentiment=4\n", {3, 4, 5, 6}, 6),
        ("sentiment=4\nsentiment:6=refused\n", {3, 4, 5, 6}, 5),
        ("sentiment=4\nsentiment:5=20\n", {3, 4, 5, 6}, 5),
        ("sentiment=4\n", {3, 4}, None),
    ],
)
def test_the_newest_is_the_one_that_has_a_share_or_else_is_live_and_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: str, live: set[int], chosen: int | None
) -> None:
    engines = {Series.of("plumbline_gateway_version_engine", {"version": str(it)}): 1.0 for it in live}
    monkeypatch.setattr(Gateways, "read", lambda *_: engines)
    monkeypatch.setattr(CanaryRun, "run", lambda run, lines: run._weighing.version)
    (tmp_path / "weights").write_text(document)
    options = ["--file", str(tmp_path / "weights"), "--gateway", "http://a"]
    result = CliRunner().invoke(canary, ["sentiment", "newest", *options])
    assert result.exit_code == (chosen or 0)
    assert ("no version of sentiment is newer than version 4" in result.output) is (chosen is None)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "expected --gateway, once for each gateway, or one --prometheus"),
        (["--gateway", "http://a", "--prometheus", "http://b"], "or one --prometheus"),
        (["--gateway", "a:8000"], "expected a URL without user and password, got 'a:8000'"),
        (["--prometheus", "http://u:secret@b"], "expected a URL without user and password, got 'http://***@b'"),
        (["--gateway", "http://a", "--label", "namespace=x"], "--label has no effect without --prometheus"),
        (["--prometheus", "http://b", "--label", "namespace"], "expected NAME=VALUE"),
        *((["--gateway", "http://a", "--steps", steps], "expected percents") for steps in ("5,1", "0,5", "5,101", "x")),
        (["--gateway", "http://a", "--hold", "10"], "expected a time such as 30s, 10m or 2h"),
        (["--gateway", "http://a", "--expires", "20s"], "expected at least three times --every"),
        (["--gateway", "http://a", "--margin", "speed=2"], "expected NAME=NUMBER with one of errors, refusals, wrong,"),
        (["--gateway", "http://a", "--margin", "slower=0.9"], "slower: expected a number between 1 and 10, got 0.9"),
        (["--gateway", "http://a", "--stable", "3"], "expected another version than 5, 4"),
    ],
)
def test_options_that_can_not_be_used_are_told(tmp_path: Path, options: list[str], problem: str) -> None:
    document = tmp_path / "weights"
    document.write_text("sentiment=4\n")
    result = CliRunner().invoke(canary, ["sentiment", "5", "--file", str(document), *options])
    assert result.exit_code == 2
    assert problem in result.output
    assert document.read_text() == "sentiment=4\n"


def test_an_audit_log_that_can_not_be_written_is_told_before_the_canary_gets_a_share(tmp_path: Path) -> None:
    document = tmp_path / "weights"
    document.write_text("sentiment=4\n")
    options = ["--gateway", "http://127.0.0.1:1", "--give-up", "1s", "--audit", str(tmp_path)]
    result = CliRunner().invoke(canary, ["sentiment", "5", "--file", str(document), *options])
    assert (result.exit_code, "the audit log can't be written: [Errno 21]" in result.output) == (1, True), result.output
    assert document.read_text() == "sentiment=4\n"


def test_a_document_without_a_stable_version_or_with_a_mistake_is_told(tmp_path: Path) -> None:
    document = tmp_path / "weights"
    for text, problem in (("", "write sentiment=N into it"), ("sentiment", "has a mistake: line 1: expected")):
        document.write_text(text)
        result = CliRunner().invoke(canary, ["sentiment", "5", "--file", str(document), "--gateway", "http://a"])
        assert (result.exit_code, problem in result.output) == (2, True)


def test_what_is_stable_already_is_done(tmp_path: Path) -> None:
    document = tmp_path / "weights"
    document.write_text("sentiment=5\n")
    result = CliRunner().invoke(canary, ["sentiment", "5", "--file", str(document), "--gateway", "http://a"])
    assert (result.exit_code, "is the stable one already" in result.output) == (0, True)
