import pytest

from serving.errors import RateLimited
from serving.gateway.middleware.rate_limit import RateLimiter
from serving.gateway.middleware.rates import parse_rates
from serving.gateway.middleware.shared_times import SharedTimes


def taken(limiter: RateLimiter, owner: str, text: str, asked: int) -> int:
    """Ask so often, and return how often it was allowed."""
    allowed = 0
    for _ in range(asked):
        try:
            limiter.take(owner, parse_rates(text))
        except RateLimited:
            continue
        allowed += 1
    return allowed


def test_each_owner_may_ask_so_often_at_once_and_then_waits_for_its_turn() -> None:
    limiter = RateLimiter(SharedTimes())
    assert taken(limiter, "alice", "5/hour", 20) == 5
    assert taken(limiter, "alice", "1/hour,burst=7", 20) == 7
    assert taken(limiter, "bob", "5/hour", 4) == 4
    with pytest.raises(RateLimited, match="rate limit exceeded: 5/hour for alice; try again in 720 s") as error:
        limiter.take("alice", parse_rates("5/hour"))
    assert error.value.retry_after_seconds == 720


def test_what_one_rate_refuses_takes_nothing_of_the_other() -> None:
    limiter = RateLimiter(SharedTimes())
    assert taken(limiter, "alice", "100/hour;2/day", 50) == 2
    assert taken(limiter, "alice", "100/hour", 200) == 98


def test_the_workers_of_a_gateway_count_together() -> None:
    full_at = SharedTimes()
    assert [taken(RateLimiter(full_at), "alice", "5/hour", 3) for _ in range(3)] == [3, 2, 0]
