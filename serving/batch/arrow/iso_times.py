"""Integer counts of seconds or their fractions -> ISO 8601, for any year.

The fraction has zero, six or nine digits, as Python and pandas write it.
"""

from typing import Any

import numpy as np


def date(days: int) -> str:
    """Return the date *days* after 1970-01-01."""
    return _iso(np.datetime64(days, "D"))


def moment(count: int, per_second: int) -> str:
    """Return the date and time *count* fractions of a second after 1970-01-01."""
    seconds, fraction = divmod(count, per_second)
    return _iso(np.datetime64(seconds, "s")) + _fraction(fraction, per_second)


def _iso(moment: Any) -> str:
    """Return ISO 8601. A year before 0 has four digits after its sign; NumPy writes only three."""
    text = str(moment)
    return text if text[0] != "-" else "-" + "-".join([text.split("-")[1].zfill(4), *text.split("-")[2:]])


def offset(seconds: int) -> str:
    """Return a zone's offset from UTC."""
    minutes, seconds_left = divmod(abs(seconds), 60)  # local times before standard zones had offsets with seconds
    hours, minutes = divmod(minutes, 60)
    return ("-" if seconds < 0 else "+") + f"{hours:02}:{minutes:02}" + (f":{seconds_left:02}" if seconds_left else "")


def time(count: int, per_second: int) -> str:
    """Return a time of day; one of more than a day, as fastparquet writes durations, has more than 24 hours."""
    seconds, fraction = divmod(count, per_second)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{_fraction(fraction, per_second)}"


def duration(count: int, per_second: int) -> str:
    """Return a duration in days and smaller units, with a leading minus if it is negative."""
    seconds, fraction = divmod(abs(count), per_second)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    of_a_day = [(hours, "H"), (minutes, "M"), (f"{seconds}{_fraction(fraction, per_second).rstrip('0')}", "S")]
    time = "".join(f"{number}{unit}" for number, unit in of_a_day if number not in (0, "0"))
    date = f"{days}D" if days else ""
    return ("-" if count < 0 else "") + (f"P{date}" + (f"T{time}" if time else "") if date or time else "PT0S")


def _fraction(fraction: int, per_second: int) -> str:
    """Return the digits after the seconds: none, six or nine."""
    nanoseconds = fraction * (10**9 // per_second)
    if not nanoseconds:
        return ""
    return f".{nanoseconds:09}" if nanoseconds % 1000 else f".{nanoseconds // 1000:06}"
