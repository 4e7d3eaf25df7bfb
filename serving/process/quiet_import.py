"""Keeping what TensorFlow says of itself while it is imported off the terminal."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_INFORMATION = re.compile(rb"I\d{4} |WARNING: All log messages before absl::InitializeLog")
"""How lines of the lowest severity begin, and the one that announces them."""


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Leave out the information that is logged to standard error meanwhile; all else is written afterwards.

    TensorFlow 2.21 logs while its libraries are loaded, before it reads TF_CPP_MIN_LOG_LEVEL; where that is 0,
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
