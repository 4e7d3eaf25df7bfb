"""Reading dates and times as RFC 3339 writes them: `2026-11-28`, `2026-11-28T12:30:00Z`, `2026-11-28 12:30+01:00`.

What has an offset is turned into the time on the wall in one zone. What has none is that time already, as it is
written: one that a change of the clocks leaves out stays itself, and of one that it brings twice both are the same.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.encoders.zones import FIRST_YEAR, LAST_YEAR, on_the_wall

WORDS = "a date such as 2026-11-28, or a date and time such as 2026-11-28T12:30:00Z"
_YEAR = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
PATTERN = (
    f"^{_YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    "([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?$"
)
"""Seconds may be left out, as a form does. There is no second 60: the calendars of computers have none."""
_PATTERN = re.compile(PATTERN)
_TIME = "[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"  # NumPy checks the numbers
_NAIVE = re.compile(f"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}({_TIME})?")
_MOMENT = re.compile(f"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}{_TIME}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])")
_LEAST, _GREATEST = np.datetime64(f"{FIRST_YEAR:04}", "us"), np.datetime64(f"{LAST_YEAR:04}", "us")


def zone_of(name: str) -> tzinfo:
    """Return the time zone of an IANA name; raises ValueError for what is none on this machine."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise states.Misfit(
            "zone",
            f"expected the name of a time zone such as Europe/Berlin, got {name!r:.60}; "
            "if it is one, this machine lacks the database of time zones (tzdata)",
        ) from None


def read_walls(texts: Sequence[str], zone: tzinfo) -> Array:
    """Read *texts* as times on the wall in *zone*: `datetime64[us][n]`; raises ValueError if one is none."""
    if all(map(_NAIVE.fullmatch, texts)):
        return np.array(texts, "M8[us]")
    if all(map(_MOMENT.fullmatch, texts)):
        moments = _moments(texts)
        if moments.min() >= _LEAST and moments.max() < _GREATEST:
            return on_the_wall(moments, zone)
    return np.array([read_wall(text, zone) for text in texts], "M8[us]")


def _moments(texts: Sequence[str]) -> Array:
    ends_in_z = [text[-1] == "Z" for text in texts]
    if all(ends_in_z):
        return np.array([text[:-1] for text in texts], "M8[us]")
    wall = np.array([text[:-1] if is_z else text[:-6] for text, is_z in zip(texts, ends_in_z, strict=True)], "M8[us]")
    minutes = [0 if is_z else _minutes(text[-6:]) for text, is_z in zip(texts, ends_in_z, strict=True)]
    moments: Array = wall - np.array(minutes, "m8[m]")
    return moments


def _minutes(offset: str) -> int:
    """Read an offset such as -03:30."""
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return -minutes if offset[0] == "-" else minutes


def read_wall(text: str, zone: tzinfo) -> datetime:
    """Read one text; raises ValueError if it is no time, or none between the years 1 and 9999 in *zone*."""
    if not _PATTERN.fullmatch(text):
        raise ValueError(f"expected {WORDS}")
    moment = datetime.fromisoformat(text.upper())
    try:
        return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        raise ValueError("expected a time between the years 1 and 9999") from None
