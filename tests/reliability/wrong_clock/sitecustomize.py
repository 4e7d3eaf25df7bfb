"""Python imports this at its start if the folder is on PYTHONPATH: the clock is wrong by what a file says.

libfaketime would do so for all libraries, but its version 0.9.10 breaks `time.sleep`, whose clock can't jump.
"""

import os
import time
from pathlib import Path

_FILE = Path(os.environ["WRONG_CLOCK"])
_right = time.time


def _wrong() -> float:
    return _right() + float(_FILE.read_text() or 0)


time.time = _wrong
