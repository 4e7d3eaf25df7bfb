"""Captures: what gateways were asked and answered, kept in files for what comes after."""

from serving.captures.errors import CaptureError, DamagedCapture, UnusableCaptures
from serving.captures.parts import CAPTURES, FEEDBACK, SHADOWS, PartName, write_part
from serving.captures.reader import parts_in, read_captures, read_part
from serving.captures.record import Capture, Failure
from serving.captures.shadow_answer import ShadowAnswer

__all__ = [
    "CAPTURES",
    "FEEDBACK",
    "SHADOWS",
    "Capture",
    "CaptureError",
    "DamagedCapture",
    "Failure",
    "PartName",
    "ShadowAnswer",
    "UnusableCaptures",
    "parts_in",
    "read_captures",
    "read_part",
    "write_part",
]
