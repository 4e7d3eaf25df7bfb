"""Numbers: a column of them -> float32, scaled, with a flag for those that are missing if asked for."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array, TensorSpec
from serving.contract.encoders.encoder import Control, Datatype
from serving.contract.encoders.fitting import PlainColumn, meaning_of_missing
from serving.contract.encoders.scaling import LARGEST, MOST_QUANTILES, Scale, Scaling, as_float32
from serving.contract.faults import Faults, shown
from serving.contract.instance_limits import InstanceLimits
from serving.contract.reference import Measures

Missing = Literal["error", "mean", "median", "constant"]
_NUMBERS = {float, int}
_OPTIONAL_NUMBERS = {float, int, type(None)}


@dataclass(frozen=True)
class Number:
    """Turns numbers into `float32[batch, 1]`, or `[batch, 2]` with a *flag*: 1 where a number is missing, else 0.

    Numbers outside *low* to *high* count as these. A missing one counts as *fill*, in the field's own unit, and is then
    scaled as any other. Statistics are those of the numbers that training had, clipped.
    """

    scaling: Scaling
    missing: Missing = "error"
    fill: float = 0.0
    flag: bool = False
    low: float | None = None
    high: float | None = None
    kind: ClassVar[str] = "number"
    value_shape: ClassVar[tuple[int, ...]] = ()
    datatype: ClassVar[Datatype] = "FP64"
    control: ClassVar[Control] = "number"

    def __post_init__(self) -> None:
        if self.missing not in get_args(Missing):
            raise states.Misfit("missing", f"expected one of {', '.join(get_args(Missing))}, got {self.missing!r}")
        if self.flag and self.missing == "error":
            raise states.Misfit(
                "flag", "expected missing to say what a missing number counts as: with 'error' there are none"
            )
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise states.Misfit("low", f"expected less than high, {self.high:g}, got {self.low:g}")
        if not all(abs(bound or 0.0) <= LARGEST for bound in (self.low, self.high)):
            raise ValueError(f"low, high: expected numbers of at most {LARGEST:g} in size, got {self.low}, {self.high}")
        if self.missing == "constant" and not abs(self.fill) <= LARGEST:
            raise ValueError(f"constant: expected a number of at most {LARGEST:g} in size, got {self.fill:g}")

    @classmethod
    def fit(
        cls,
        values: Iterable[Any],
        *,
        scale: Scale = "standard",
        missing: Missing | None = None,
        constant: float | None = None,
        flag: bool = False,
        low: float | None = None,
        high: float | None = None,
        quantiles: int = 100,
    ) -> "Number":
        """Fit to *values*, None or NaN where one is missing; *missing* is by default the mean if there are such.

        Raises ValueError for what is no number, a missing one if none may be, and if there is no number at all;
        ValueError or TypeError for options that cannot be.
        """
        plain = PlainColumn(values)
        meaning: Missing = meaning_of_missing(missing, missing is None and plain.has_gap, seen="mean", unseen="error")
        if (constant is not None) != (meaning == "constant"):
            raise ValueError(f"constant: expected a number with missing = 'constant', and only there, got {constant}")
        states.whole({"quantiles": quantiles}, "quantiles", 1, MOST_QUANTILES)
        given = {"missing": meaning, "fill": constant or 0.0, "flag": flag, "low": low, "high": high}
        cls.from_state(Scaling("none").to_state() | given)  # checks what it is given before it is used
        column = _clipped(_fitted(plain, meaning != "error"), low, high)
        return cls(Scaling.fit(scale, column, quantiles), meaning, _fill(meaning, column, constant), flag, low, high)

    @property
    def optional(self) -> bool:
        """Whether a value may be missing."""
        return self.missing != "error"

    @property
    def block(self) -> TensorSpec:
        """The scaled number, and the flag."""
        return TensorSpec("float32", (None, 2 if self.flag else 1))

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of one value."""
        schema = {"type": ["number", "null"] if self.optional else "number", "minimum": -LARGEST, "maximum": LARGEST}
        description = "; ".join(self._remarks())
        return schema | ({"description": description} if description else {})

    def _remarks(self) -> list[str]:
        remarks = []
        if self.low is not None:
            remarks.append(f"less than {self.low:g} counts as {self.low:g}")
        if self.high is not None:
            remarks.append(f"more than {self.high:g} counts as {self.high:g}")
        if self.optional:
            remarks.append(f"without a value it counts as {self.fill:.6g}")
        return remarks

    def limited(self, limits: InstanceLimits) -> "Number":
        """Return itself: numbers have one size."""
        return self

    def read(self, values: Sequence[Any], faults: Faults) -> Array:
        """Read a column of numbers: `float64[n]`, NaN where one is missing."""
        return read_numbers(values, self.optional, faults)

    def encode(self, column: Array) -> Array:
        """Make `float32[n, 1]`, or `float32[n, 2]` with the flag."""
        numbers = _clipped(column, self.low, self.high)
        if self.missing == "error":
            return as_float32(self.scaling.scaled(numbers))[:, None]
        absent = np.isnan(numbers)
        block = as_float32(self.scaling.scaled(np.where(absent, self.fill, numbers)))
        return np.stack((block, absent.astype(np.float32)), axis=1) if self.flag else block[:, None]

    def measures(self, field: str) -> tuple[str, ...]:
        """Return the field's own name."""
        return (field,)

    def categories(self, field: str) -> Mapping[str, Sequence[str]]:
        """Return nothing."""
        return {}

    def measured(self, field: str, column: Array, block: Array) -> Measures:
        """Measure the numbers in the field's own unit."""
        return Measures(column[:, None], {})

    def to_state(self) -> dict[str, Any]:
        """Return the fitted state as JSON values."""
        own = {"missing": self.missing, "fill": self.fill, "flag": self.flag, "low": self.low, "high": self.high}
        return self.scaling.to_state() | own

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Number":
        """Read what `to_state` returned; raises ValueError, KeyError or TypeError if it is another."""
        return cls(
            Scaling.from_state(state),
            states.choice(state, "missing", get_args(Missing)),
            states.finite(state, "fill"),
            states.flag(state, "flag"),
            states.finite_or_none(state, "low"),
            states.finite_or_none(state, "high"),
        )


def read_numbers(values: Sequence[Any], optional: bool, faults: Faults) -> Array:
    """Read numbers: `float64[n]`, NaN for None if *optional*; what else is none, or beyond LARGEST, is a fault."""
    kinds = set(map(type, values))
    if kinds <= (_OPTIONAL_NUMBERS if optional else _NUMBERS):  # nearly all columns
        with suppress(OverflowError):
            column = np.array(values, np.float64)
            missing = values.count(None) if type(None) in kinds else 0
            if np.count_nonzero(np.abs(column) <= LARGEST) == len(values) - missing:  # NaN is not
                return column
    return np.array([read_number(row, value, optional, faults) for row, value in enumerate(values)], np.float64)


def read_number(row: int, value: Any, optional: bool, faults: Faults, *path: int) -> float:
    """Read one number as `read_numbers` does, NaN for a fault; *path* is where it stands within the row's value."""
    if value is None and optional:
        return np.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.add(row, "a number", shown(value), *path)
    elif not abs(value) <= LARGEST:  # written so that NaN fails too
        faults.add(row, f"a finite number of at most {LARGEST:g} in size", shown(value), *path)
    else:
        return float(value)
    return np.nan


def _fitted(plain: PlainColumn, optional: bool) -> Array:
    column = plain.read(lambda values, faults: read_numbers(values, optional, faults), np.float64)
    if np.isnan(column).all():
        raise ValueError(f"expected at least one number, got {len(plain):,} rows without any")
    return column


def _clipped(column: Array, low: float | None, high: float | None) -> Array:
    column = column if low is None else np.maximum(column, low)
    return column if high is None else np.minimum(column, high)


def _fill(missing: Missing, column: Array, constant: float | None) -> float:
    if missing == "mean":
        return Scaling.fit("standard", column).offset
    if missing == "median":
        return float(np.nanmedian(column))
    return float(constant or 0.0)
