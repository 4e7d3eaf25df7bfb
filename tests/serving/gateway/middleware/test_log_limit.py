import logging

import pytest

from serving.gateway.middleware import log_limit
from serving.gateway.middleware.log_limit import LogLimit

_log = logging.getLogger("flood")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(log_limit.time, "monotonic", lambda: now[0])
    return now


def test_of_a_flood_ten_lines_are_written_and_then_one_a_second_that_tells_the_rest(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    left_out: list[tuple[str, str]] = []
    limit = LogLimit(lambda code, model: left_out.append((code, model)))
    for _ in range(3):
        for number in range(500):
            limit.log(_log, logging.WARNING, f"line {number}", "overloaded", "digits")
        clock[0] += 1.0

    assert caplog.messages == [
        *(f"line {number}" for number in range(10)),
        "line 0 (490 such lines before it were left out)",
        "line 0 (499 such lines before it were left out)",
    ]
    assert left_out == [("overloaded", "digits")] * (490 + 499 + 499)


def test_a_flood_of_one_kind_hides_no_other(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    limit = LogLimit(lambda code, model: None)
    for _ in range(100):
        limit.log(_log, logging.WARNING, "digits", "overloaded", "digits")
    limit.log(_log, logging.WARNING, "topic", "overloaded", "topic")
    limit.log(_log, logging.WARNING, "late", "model_server_timeout", "digits")

    assert caplog.messages[-2:] == ["topic", "late"]
