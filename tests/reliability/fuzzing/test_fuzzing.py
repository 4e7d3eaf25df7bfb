"""Each kind of input a little, and what the fuzzer does with inputs that are not answered in order."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.reliability.fuzzing import run
from tests.reliability.fuzzing.processes import in_a_process
from tests.reliability.fuzzing.run import fuzz
from tests.reliability.fuzzing.targets import TARGETS, Target

ROOT = Path(__file__).parents[3]
SECONDS, SLICE_SECONDS = 6.0, 1.0


@pytest.mark.parametrize("kind", TARGETS)
def test_no_input_is_answered_by_an_error_of_ours(kind: str, tmp_path: Path, whole: bool) -> None:
    if whole:
        found = in_a_process(kind, 10**9, time.time_ns(), tmp_path, SECONDS)
    else:
        found = fuzz(kind, 300, 1, tmp_path, SLICE_SECONDS)

    assert found.problems == []
    assert found.outcomes > 1


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[bytes], str]], None]:
    """Makes a function the only target."""

    def set_it(read: Callable[[bytes], str]) -> None:
        @contextlib.contextmanager
        def target() -> Iterator[Target]:
            yield Target([b"[1]"], read)

        monkeypatch.setitem(run.TARGETS, "own", target)

    return set_it


def test_what_raises_is_told_and_kept(target: Callable[..., None], tmp_path: Path) -> None:
    def read(data: bytes) -> str:
        if data != b"[1]":
            raise ValueError("not one")
        return "one"

    target(read)
    found = fuzz("own", 5, 1, tmp_path)

    assert found.problems
    assert found.problems[0].startswith("own: ValueError: not one (")
    assert len([*(tmp_path / "own").glob("problem-*")]) == len({*found.problems})


def test_what_takes_long_is_told(target: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_CPU_SECONDS", -1.0)
    target(lambda data: "read")

    assert "of a processor" in fuzz("own", 1, 1, tmp_path).problems[0]


def test_a_process_that_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.reliability.fuzzing.processes._fuzz", _die)

    assert in_a_process("own", 1, 7, tmp_path).problems == ["own: the process ended with 3 (before any input)"]


def _die(*_: object) -> None:
    os._exit(3)


def test_inputs_guided_by_coverage_reach_more_and_are_kept(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no package for this machine")
    command = [
        sys.executable,
        "-m",
        "tests.reliability.fuzzing.guided",
        "contract",
        "--seconds=3",
        f"--corpus={tmp_path}",
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert ran.returncode == 0, ran.stderr[-2000:]
    assert len([*(tmp_path / "contract").iterdir()]) > 10
