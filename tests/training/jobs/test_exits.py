"""The exit code of a command after SIGTERM, whatever happens to what it interrupts."""

import contextlib
import signal
import time

import pytest

from serving.process.exit_codes import ExitCode
from training.jobs.exits import reporting_errors


def test_a_stop_that_a_library_takes_for_its_own_failure_is_still_a_stop(capsys):
    def swallow() -> None:
        with contextlib.suppress(BaseException):  # as TensorFlow's C++ does at times
            signal.raise_signal(signal.SIGTERM)
        raise ValueError("Could not pack sequence")

    with pytest.raises(SystemExit) as ended, reporting_errors():
        swallow()
    assert ended.value.code == ExitCode.RETRY
    assert "stopped by SIGTERM" in capsys.readouterr().err


def test_a_stop_that_a_library_swallows_is_repeated(monkeypatch):
    def swallow_and_continue() -> None:
        for _ in range(3):
            with contextlib.suppress(BaseException):  # as protobuf's C does while it is imported
                signal.raise_signal(signal.SIGTERM)
        time.sleep(30)

    monkeypatch.setattr("training.jobs.exits._REPEAT_SECONDS", 0.05)
    with pytest.raises(SystemExit) as ended, reporting_errors():
        swallow_and_continue()
    assert ended.value.code == ExitCode.RETRY
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_the_stop_of_one_command_is_not_taken_for_that_of_the_next():
    with pytest.raises(SystemExit), reporting_errors():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(ValueError, match="wrong"), reporting_errors():
        raise ValueError("wrong")
