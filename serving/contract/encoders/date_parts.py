"""The parts of a date and time that a model can learn from: on a circle where they come round again, else as numbers.

All of them are of the time on the wall in one zone: `datetime64[us]` without an offset.
"""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.faults import shown

Part = Literal["year", "days", "month", "day", "weekday", "day_of_year", "hour", "minute", "time_of_day"]
"""`year` and `days` (since a date, with the time as a fraction) are numbers. The others are places on a circle:

`month` of 12, `day` of 31, `weekday` of 7 from Monday, `day_of_year` of 365 or 366, `hour` of 24, `minute` of 60, all
of them whole; `time_of_day` is the share of the day that has gone by."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LINEAR: tuple[Part, ...] = ("year", "days")
DAY = np.timedelta64(1, "D")
_THURSDAY = 3  # 1970-01-01


def check_parts(parts: Sequence[str]) -> None:
    """Raise ValueError for an unknown part, one that is named twice, or none."""
    known = get_args(Part)
    if not parts or not all(part in known and parts.count(part) == 1 for part in parts):
        raise states.Misfit("parts", f"expected some of {', '.join(known)}, each once, got {shown(list(parts))}")


def linear(part: Part, wall: Array, since: np.datetime64) -> Array:
    """Return the year, or the days since a date: `float64[n]`."""
    days: Array = (wall - since) / DAY
    return wall.astype("M8[Y]").astype(np.float64) + 1970 if part == "year" else days


def circle(part: Part, wall: Array) -> Array:
    """Return sine and cosine of a part's place on its circle: `float64[n, 2]`."""
    angle = 2 * np.pi * _SHARES[part](wall)
    return np.stack((np.sin(angle), np.cos(angle)), axis=1)


def weekdays(wall: Array) -> Array:
    """Return the days of the week: `int64[n]`, Monday is 0."""
    days: Array = wall.astype("M8[D]").astype(np.int64)
    return (days + _THURSDAY) % 7


def _share_of_year(wall: Array) -> Array:
    year = wall.astype("M8[Y]")
    first, end = year.astype("M8[D]"), (year + 1).astype("M8[D]")
    share: Array = (wall.astype("M8[D]") - first) / (end - first)
    return share


_SHARES: dict[Part, Callable[[Array], Array]] = {
    "month": lambda wall: wall.astype("M8[M]").astype(np.int64) % 12 / 12,
    "day": lambda wall: (wall.astype("M8[D]") - wall.astype("M8[M]")) / DAY / 31,
    "weekday": lambda wall: weekdays(wall) / 7,
    "day_of_year": _share_of_year,
    "hour": lambda wall: (wall - wall.astype("M8[D]")) // np.timedelta64(1, "h") / 24,
    "minute": lambda wall: (wall - wall.astype("M8[h]")) // np.timedelta64(1, "m") / 60,
    "time_of_day": lambda wall: (wall - wall.astype("M8[D]")) / DAY,
}
