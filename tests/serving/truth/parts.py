"""Parts of captures and feedback, as gateways write them."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from serving.captures import CAPTURES, FEEDBACK, SHADOWS, Capture, PartName, ShadowAnswer, write_part
from serving.truth.feedback import Feedback


def capture(request_id: str, answer: Any, time: datetime, version: int = 1, model: str = "m") -> Capture:
    return Capture(
        time=time, request_id=request_id, index=0, model=model, version=version, instance={"x": 1}, answer=answer
    )


def feedback(request_id: str, truth: Any, time: datetime, model: str = "m") -> Feedback:
    return Feedback(time=time, request_id=request_id, index=0, model=model, truth=truth)


def write_captures(folder: Path, captures: Iterable[Capture]) -> Path:
    rows = [*captures]
    return write_part(folder, PartName.new(rows[0].model, CAPTURES, rows[0].time), [row.to_json() for row in rows])


def write_shadows(folder: Path, answers: Iterable[ShadowAnswer]) -> Path:
    rows = [*answers]
    lines = [row.to_json().decode().rstrip() for row in rows]
    return write_part(folder, PartName.new(rows[0].model, SHADOWS, rows[0].time), lines)


def write_feedback(folder: Path, truths: Iterable[Feedback]) -> Path:
    rows = [*truths]
    lines = [row.to_json().decode() for row in rows]
    return write_part(folder, PartName.new(rows[0].model, FEEDBACK, rows[0].time), lines)
