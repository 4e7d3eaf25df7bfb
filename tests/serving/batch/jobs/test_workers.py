"""How many processes score if nobody says so."""

import os

import pytest

from serving.batch.jobs.workers import Workers

MUCH = 100 * 1024 * 1024


@pytest.mark.parametrize(
    ("kind", "size", "processors", "processes"),
    [("text", MUCH, 2, 2), ("text", MUCH, 64, 4), ("text", MUCH, 1, 1), ("text", 1000, 2, 1), ("image", MUCH, 2, 1)],
)
def test_much_text_takes_more_than_one(
    monkeypatch: pytest.MonkeyPatch, kind: str, size: int, processors: int, processes: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(processors)), raising=False)
    assert Workers.fitted(4, kind == "text", size) == Workers(4, processes)
