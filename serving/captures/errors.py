"""The errors of captures.

CaptureError
├── UnusableCaptures   no captures can be written to or read from such an address
└── DamagedCapture     a line is none of a capture, or a part can't be read to its end
"""

from serving.errors import PlumblineError


class CaptureError(PlumblineError):
    """The base class: catch this to catch all of them."""


class UnusableCaptures(CaptureError):
    """An address can't be used for captures."""


class DamagedCapture(CaptureError):
    """Line *line* of *file* is not what was expected there."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}: line {line}: {problem}")
