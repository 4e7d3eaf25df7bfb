"""What other libraries write to standard error themselves, as lines of C++ do: by its number."""

import os

import pytest

from serving.process.quiet_import import quiet_import

LINES = {
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n": False,
    b"I0000 00:00:1795907478.260143   11677 cpu_feature_guard.cc:227] This TensorFlow binary is optimized\n": False,
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n": False,
    b"W0000 00:00:1795907478.260143   11677 port.cc:1] a warning\n": True,
    b"E0000 00:00:1795907478.260143   11677 port.cc:1] an error\n": True,
    b"Information of ours\n": True,
}


def test_lines_that_only_inform_are_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_import():
        os.write(2, b"".join(LINES))
    assert capfd.readouterr().err == b"".join(line for line, shown in LINES.items() if shown).decode()


def test_everything_is_shown_to_who_wants_it(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with quiet_import():
        os.write(2, b"".join(LINES))
    assert capfd.readouterr().err == b"".join(LINES).decode()
