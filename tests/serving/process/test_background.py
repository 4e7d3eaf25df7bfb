"""A process of lower priority calls functions, and whatever becomes of it is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.process.background import BackgroundProcess, Ended

PROGRAM = """
import os, time
from serving.process.background import BackgroundProcess
if __name__ == "__main__":
    process = BackgroundProcess()
    print(process.call(60, os.getpid), flush=True)
    process.call(60, time.sleep, 60)
"""


@pytest.fixture
def process() -> Iterator[BackgroundProcess]:
    process = BackgroundProcess()
    yield process
    if process._executor is not None:
        process._executor.shutdown(cancel_futures=True)


def test_it_has_lower_priority_and_is_kept(process: BackgroundProcess) -> None:
    pid = process.call(60, os.getpid)
    assert pid != os.getpid()
    assert process.call(60, os.getpriority, os.PRIO_PROCESS, 0) == os.getpriority(os.PRIO_PROCESS, 0) + 10
    assert process.call(60, os.getpid) == pid


def test_errors_of_the_function_are_raised_here(process: BackgroundProcess) -> None:
    with pytest.raises(ZeroDivisionError):
        process.call(60, divmod, 1, 0)


def test_nobody_waits_longer_than_told(process: BackgroundProcess) -> None:
    process.call(60, os.getpid)
    with pytest.raises(TimeoutError):
        process.call(0.01, time.sleep, 0.5)
    assert process.call(60, os.getpid)  # after what it was busy with


def test_another_is_started_after_one_was_killed(process: BackgroundProcess) -> None:
    pid = process.call(60, os.getpid)
    with pytest.raises(Ended):
        process.call(60, os.kill, pid, signal.SIGKILL)
    assert process.call(60, os.getpid) != pid


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
    ending = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < ending
        time.sleep(0.05)
