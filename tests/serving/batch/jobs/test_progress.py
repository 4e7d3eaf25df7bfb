import io
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from serving.batch.jobs.progress import Progress
from serving.batch.jobs.row_counts import Statistics
from tests.serving.batch.conftest import texts, write_jsonl
from tests.serving.contracts import text_contract
from tests.serving.fake_model_server import FakeModelServer

ROOT = Path(__file__).parents[4]


def test_elsewhere_than_on_a_terminal_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.batch.jobs.progress._LINE_SECONDS", 0)
    stream = io.StringIO()
    with Progress("sentiment", 400, stream) as progress:
        progress.source(400)
        progress.passed(100)
        progress.scored(200, Statistics(rows=1199, rejected=1))
        progress.scored(400, Statistics(rows=10))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "sentiment: 25%, 0 rows, 0 rows/s, 0 rejected"
    assert lines[1].startswith("sentiment: 50%, 1,200 rows, ")
    assert lines[1].endswith(" left")
    assert lines[2].startswith("sentiment: 100%, 1,210 rows, ")
    assert lines[2].endswith(" 1 rejected")


def test_on_a_terminal_there_is_a_bar_that_fits(tmp_path: Path, model_server: FakeModelServer) -> None:
    model_server.publish(text_contract())
    model_server.delay_seconds = 0.05
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in [*texts(300), ""]])
    options = ["--model=sentiment", f"--output={tmp_path}/out.csv", f"--model-server={model_server.address}"]
    command = [sys.executable, "-m", "serving", "score", str(source), *options, "--batch-rows=10"]
    here, there = pty.openpty()
    termios.tcsetwinsize(there, (24, 80))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=there) as process:
        os.close(there)
        shown = _read(here)
    assert process.returncode == 0
    states = shown.replace("\x1b[?25l", "").replace("\x1b[?25h", "").replace("\n", "\r").split("\r")
    bars = [state.rstrip() for state in states if state.startswith("sentiment")]
    assert len(bars) >= 3
    assert max(map(len, bars)) <= 80
    assert bars[-1].endswith("1 rejected")
    assert "100%" in bars[-1]


def _read(descriptor: int) -> str:
    pieces = []
    try:
        while piece := os.read(descriptor, 65536):
            pieces.append(piece)
    except OSError:  # that is how a terminal ends
        pass
    finally:
        os.close(descriptor)
    return b"".join(pieces).decode()
