"""Moments -> the time on the wall in a zone, for whole columns: zoneinfo is asked once a year, not once a row."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

import numpy as np

from serving.contract.arrays import Array

_DAY, _SECOND, _MICROSECOND = timedelta(days=1), timedelta(seconds=1), timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 2, 9998
"""Within these, a moment has a year in every zone that datetime can hold."""


def on_the_wall(moments: Array, zone: tzinfo) -> Array:
    """Return the time on the wall in *zone* at `moments: datetime64[us][n]`, of years FIRST_YEAR to LAST_YEAR."""
    if zone is UTC or not len(moments):
        return moments
    years = np.unique(moments.astype("M8[Y]")).astype(np.int64) + 1970
    changes = [change for year in years.tolist() for change in _changes(zone, year)]
    starts = np.array([start for start, _ in changes], np.int64)
    offsets = np.array([offset for _, offset in changes], np.int64)
    found = np.searchsorted(starts, moments.astype(np.int64), side="right") - 1
    wall: Array = moments + offsets[found].astype("m8[us]")
    return wall


@lru_cache(maxsize=LAST_YEAR)
def _changes(zone: tzinfo, year: int) -> tuple[tuple[int, int], ...]:
    """Return the zone's offset at the beginning of a year, and each that it changes to: (since, offset) in us.

    It looks at each day, and for the second of the change on a day that has one: no zone had two on one day.
    """
    moment, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    changes = [(moment, _offset(zone, moment))]
    while moment < end:
        following = moment + _DAY
        if _offset(zone, following) != changes[-1][1]:
            changes.append((_change(zone, moment, following), _offset(zone, following)))
        moment = following
    return tuple(((since - _EPOCH) // _MICROSECOND, offset // _MICROSECOND) for since, offset in changes)


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """Return the first second after *before* that has the offset of *after*."""
    offset = _offset(zone, after)
    while after - before > _SECOND:
        middle = before + (after - before) // 2 // _SECOND * _SECOND
        before, after = (before, middle) if _offset(zone, middle) == offset else (middle, after)
    return after


def _offset(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
