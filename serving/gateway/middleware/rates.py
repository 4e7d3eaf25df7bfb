"""Rates as settings and key files write them: `100/second`, or `10/second,burst=50;1000/hour` for both together."""

import re
from dataclasses import dataclass

_MAX_RATES = 4
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(_UNITS)})(?:,burst=([1-9][0-9]{{0,8}}))?")


@dataclass(frozen=True)
class Rate:
    """*burst* requests at once, and one more after each *interval* seconds. *text* is how it was written."""

    text: str
    interval: float
    burst: int


def parse_rates(text: str) -> tuple[Rate, ...]:
    """Read rates separated by semicolons. Without a burst it is the number before the slash. Raise ValueError."""
    found = [_RATE.fullmatch(part.strip()) for part in text.split(";")]
    rates = tuple(_rate(match[0], int(match[1]), match[2], match[3]) for match in found if match)
    if len(rates) != len(found):
        raise ValueError("expected a rate such as 100/second, 10/second,burst=50 or 10/second;1000/hour")
    if len(rates) > _MAX_RATES:
        raise ValueError(f"expected at most {_MAX_RATES} rates, got {len(rates)}")
    return rates


def _rate(text: str, count: int, unit: str, burst: str | None) -> Rate:
    return Rate(text, _UNITS[unit] / count, int(burst) if burst else count)
