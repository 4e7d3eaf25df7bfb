"""Dates and times: a column of texts -> the parts that a model can learn from, as float32."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.encoders.date_parts import DAY, LINEAR, WEEKDAYS, Part, check_parts, circle, linear, weekdays
from serving.contract.encoders.encoder import Control, Datatype
from serving.contract.encoders.fitting import PlainColumn, meaning_of_missing
from serving.contract.encoders.scaling import Scale, Scaling, as_float32
from serving.contract.encoders.timestamps import PATTERN, WORDS, read_wall, read_walls, zone_of
from serving.contract.faults import Faults, shown
from serving.contract.instance_limits import InstanceLimits
from serving.contract.places import place
from serving.contract.reference import Measures

Missing = Literal["error", "flag"]
_MISSING = np.datetime64("NaT", "us")
_EPOCH = np.datetime64("1970-01-01", "us")


@dataclass(frozen=True)
class Date:
    """Turns dates into `float32[batch, width]`: sine and cosine of each part that comes round again, else a number.

    *scalings* are those of the parts that are numbers, in their order; days are counted from the date *since*. With the
    meaning `flag`, one more column is 1 where a date is missing, and the parts are 0 there. All parts are of the time
    on the wall in *zone*; a date without a time is its first moment.
    """

    parts: tuple[Part, ...]
    scalings: tuple[Scaling, ...] = ()
    since: str = "1970-01-01"
    zone: str = "UTC"
    missing: Missing = "error"
    kind: ClassVar[str] = "date"
    value_shape: ClassVar[tuple[int, ...]] = ()
    datatype: ClassVar[Datatype] = "BYTES"
    control: ClassVar[Control] = "date"

    def __post_init__(self) -> None:
        check_parts(self.parts)
        numbers = len(self._linear)
        if len(self.scalings) != numbers:
            raise states.Misfit("scalings", f"expected {numbers}, one for each part that is a number")
        if self.missing not in get_args(Missing):
            raise states.Misfit("missing", f"expected error or flag, got {self.missing!r}")
        zone_of(self.zone)
        _date(self.since)

    @classmethod
    def fit(
        cls,
        values: Iterable[Any],
        *,
        parts: Sequence[Part] | None = None,
        since: str | date | None = None,
        zone: str = "UTC",
        scale: Scale = "standard",
        missing: Missing | None = None,
    ) -> "Date":
        """Fit to *values*, None or NaN where one is missing; *scale* is that of years and days.

        *missing* is by default a flag if there are such, *since* the first date; *parts* are days, day_of_year and
        weekday, and time_of_day if any has a time. Raises ValueError for what is no date, a missing one if none may be,
        and if there is none at all.
        """
        plain = PlainColumn(values)
        meaning: Missing = meaning_of_missing(missing, missing is None and plain.has_gap, seen="flag", unseen="error")
        reader = cls(("weekday",), zone=states.text({"zone": zone}, "zone"), missing=meaning)
        wall = reader._fitted(plain)
        chosen = _usual_parts(wall) if parts is None else tuple(parts)
        check_parts(chosen)
        origin = _date(str(wall.min().astype("M8[D]") if since is None else since))
        scalings = [Scaling.fit(scale, linear(part, wall, origin)) for part in chosen if part in LINEAR]
        return cls(chosen, tuple(scalings), str(origin.astype("M8[D]")), zone, meaning)

    def _fitted(self, plain: PlainColumn) -> Array:
        wall = plain.read(self.read, "M8[us]")
        wall = wall[~np.isnat(wall)]
        if not len(wall):
            raise ValueError(f"expected at least one date, got {len(plain):,} rows without any")
        return wall

    @property
    def _linear(self) -> list[Part]:
        return [part for part in self.parts if part in LINEAR]

    @cached_property
    def _zone(self) -> tzinfo:
        return zone_of(self.zone)

    @cached_property
    def _origin(self) -> np.datetime64:
        return _date(self.since)

    @property
    def optional(self) -> bool:
        """Whether a date may be missing."""
        return self.missing == "flag"

    @property
    def block(self) -> TensorSpec:
        """The parts, and the flag."""
        return TensorSpec("float32", (None, 2 * len(self.parts) - len(self._linear) + self.optional))

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one value."""
        description = f"{WORDS}; without an offset it is a time in {self.zone}"
        kind = ["string", "null"] if self.optional else "string"
        return {"type": kind, "pattern": PATTERN, "description": description}

    def limited(self, limits: InstanceLimits) -> "Date":
        """Return itself: dates are short."""
        return self

    def read(self, values: Sequence[Any], faults: Faults) -> Array:
        """Read a column: times on the wall, `datetime64[us][n]`, NaT where one is missing."""
        texts = [value for value in values if value is not None]
        if set(map(type, texts)) <= {str} and (self.optional or len(texts) == len(values)):
            with suppress(ValueError):
                walls = read_walls(texts, self._zone)
                if len(texts) == len(values):  # nearly all columns
                    return walls
                column = np.full(len(values), _MISSING)
                column[[value is not None for value in values]] = walls
                return column
        return np.array([self._read(row, value, faults) for row, value in enumerate(values)], "M8[us]")

    def _read(self, row: int, value: Any, faults: Faults) -> datetime | None:
        if value is None and self.optional:
            return None
        if isinstance(value, str):
            with suppress(ValueError):
                return read_wall(value, self._zone)
        faults.add(row, WORDS, shown(value))
        return None

    def encode(self, column: Array) -> Array:
        """Make `float32[n, width]` of the parts."""
        absent = np.isnat(column)
        wall = np.where(absent, _EPOCH, column)
        block = np.concatenate([self._part(part, wall) for part in self.parts], axis=1)
        if not self.optional:
            return as_float32(block)
        block[absent] = 0
        return as_float32(np.column_stack((block, absent)))

    def _part(self, part: Part, wall: Array) -> Array:
        if part not in LINEAR:
            return circle(part, wall)
        scaling = self.scalings[self._linear.index(part)]
        return scaling.scaled(linear(part, wall, self._origin))[:, None]

    def measures(self, field: str) -> tuple[str, ...]:
        """Return the field's own name."""
        return (field,)

    def categories(self, field: str) -> Mapping[str, Sequence[str]]:
        """Return the days of the week."""
        return {f"{field}.weekday": WEEKDAYS}

    def measured(self, field: str, column: Array, block: Array) -> Measures:
        """Measure the days since 1970 in the field's zone, and count the days of the week."""
        days = (column - _EPOCH) / DAY
        counts = np.bincount(weekdays(column[~np.isnat(column)]), minlength=7).astype(np.float64)
        return Measures(days[:, None], {f"{field}.weekday": counts})

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        return {
            "parts": list(self.parts),
            "scalings": [scaling.to_state() for scaling in self.scalings],
            "since": self.since,
            "zone": self.zone,
            "missing": self.missing,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Date":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        parts: Any = states.texts(state, "parts")
        return cls(
            parts,
            tuple(_scalings(state)),
            states.text(state, "since"),
            states.text(state, "zone"),
            states.choice(state, "missing", get_args(Missing)),
        )


def _scalings(state: Mapping[str, Any]) -> Iterator[Scaling]:
    for number, scaling in enumerate(states.mappings(state, "scalings") if states.listed(state, "scalings") else ()):
        with place("scalings", number):
            yield Scaling.from_state(scaling)


def _usual_parts(wall: Array) -> tuple[Part, ...]:
    parts: tuple[Part, ...] = ("days", "day_of_year", "weekday")
    return parts if (wall == wall.astype("M8[D]")).all() else (*parts, "time_of_day")


def _date(text: str) -> np.datetime64:
    try:
        return np.datetime64(datetime.strptime(text, "%Y-%m-%d").date(), "us")
    except ValueError:
        raise states.Misfit("since", f"expected a date such as 2026-11-28, got {text!r:.60}") from None
