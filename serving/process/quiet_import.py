"""Keeps TensorFlow's informational messages off the terminal while it is imported."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_INFORMATION = re.compile(rb"I\d{4} |WARNING: All log messages before absl::InitializeLog")
"""The beginning of lines of the lowest severity, and of the line that announces them."""


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Drop informational lines that the block writes to standard error; other lines are written at its end.

    TensorFlow 2.21 logs while its libraries are loaded, before it reads TF_CPP_MIN_LOG_LEVEL. If that is 0,
    everything is shown.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:
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
                if not _INFORMATION.match(line):
                    os.write(2, line)
