"""The code that a command ends with when SIGTERM comes, whatever becomes of what it interrupts."""

import contextlib
import signal

import pytest

from serving.exit_codes import ExitCode
from training.ending import reporting_errors


def test_a_stop_that_a_library_takes_for_its_own_failure_is_still_a_stop(capsys):
    def swallow() -> None:
        with contextlib.suppress(BaseException):  # as TensorFlow's C++ does at times
            signal.raise_signal(signal.SIGTERM)
        raise ValueError("Could not pack sequence")

    with pytest.raises(SystemExit) as ended, reporting_errors():
        swallow()
    assert ended.value.code == ExitCode.RETRY
    assert "stopped by SIGTERM" in capsys.readouterr().err


def test_the_stop_of_one_command_is_not_taken_for_that_of_the_next():
    with pytest.raises(SystemExit), reporting_errors():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(ValueError, match="wrong"), reporting_errors():
        raise ValueError("wrong")
