"""Keeps informational messages of TensorFlow and LiteRT off the terminal, which their C++ parts write themselves."""

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator

_INFORMATION = re.compile(rb"I\d{4} |INFO: |WARNING: All log messages before absl::InitializeLog")
"""The beginning of lines of the lowest severity, and of the line that announces them."""

EVERYTHING = re.compile(rb"")

_one_at_a_time = threading.RLock()
"""Of two blocks that overlap, the second would put back what the first has replaced."""


@contextlib.contextmanager
def quiet_import(dropped: re.Pattern[bytes] = _INFORMATION) -> Iterator[None]:
    """Drop lines that begin like *dropped* of what the block writes to standard error; others are written at its end.

    TensorFlow 2.21 logs while its libraries are loaded, before it reads TF_CPP_MIN_LOG_LEVEL, and LiteRT never reads
    it. If that is 0, everything is shown.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    sys.stderr.flush()
    with _one_at_a_time, tempfile.TemporaryFile() as caught:
        stderr = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            caught.seek(0)
            for line in caught:
                if not dropped.match(line):
                    os.write(2, line)
