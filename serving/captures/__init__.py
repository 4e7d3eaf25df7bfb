"""Captures: what gateways were asked and answered, kept in files for what comes after."""

from serving.captures.errors import CaptureError, DamagedCapture, UnusableCaptures
from serving.captures.parts import CAPTURES, FEEDBACK, PartName, write_part
from serving.captures.reader import parts_in, read_captures, read_part
from serving.captures.record import Capture, Failure

__all__ = [
    "CAPTURES",
    "FEEDBACK",
    "Capture",
    "CaptureError",
    "DamagedCapture",
    "Failure",
    "PartName",
    "UnusableCaptures",
    "parts_in",
    "read_captures",
    "read_part",
    "write_part",
]
