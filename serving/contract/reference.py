"""What training's inputs and scores looked like: bins and counts, by which drift is told.

Inputs are measured by their preprocessor, scores by their output, in training and serving alike.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from serving.contract import states
from serving.contract.arrays import Array
from serving.contract.places import place
from serving.errors import shown

T = TypeVar("T")

MOST_BINS = 10
_ROWS_A_BIN = 40
"""With fewer rows in each bin, the reference itself would be mostly chance."""


@dataclass(frozen=True, eq=False)  # arrays have no single truth of equality
class Measures:
    """Numbers of some instances: *values* is `float64[n, columns]`, NaN where one is missing.

    *totals* has, by name, what falls to each of some categories, summed up over the instances: `float64[categories]`.
    """

    values: Array
    totals: Mapping[str, Array]

    @classmethod
    def joined(cls, parts: Sequence["Measures"]) -> "Measures":
        """Join measures of several sets of instances, at least one."""
        totals = {name: np.sum([part.totals[name] for part in parts], axis=0) for name in parts[0].totals}
        return cls(np.vstack([part.values for part in parts]), totals)

    @classmethod
    def side_by_side(cls, parts: Sequence["Measures"]) -> "Measures":
        """Join the columns and totals of *parts* for the same instances; a total whose name is taken gets a `_`."""
        if len(parts) == 1:
            return parts[0]
        totals: dict[str, Array] = {}
        names = 0
        for part in parts:
            totals.update(part.totals)
            names += len(part.totals)
        if len(totals) < names:
            totals = named_apart(total for part in parts for total in part.totals.items())
        return cls(np.concatenate([part.values for part in parts], axis=1), totals)


@dataclass(frozen=True)
class Continuous:
    """A number's bins: the first ends at the first of *edges* and holds it, the last has no end.

    *counts* has the rows of training in each bin; *low* and *high* are the smallest and largest of them.
    """

    name: str
    edges: tuple[float, ...]
    low: float
    high: float
    counts: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, values: Array) -> "Continuous":
        """Make bins of about equally many of *values* (`float64[n]`, NaN are left out)."""
        present = values[~np.isnan(values)]
        if not len(present):
            return cls(name, (), 0.0, 0.0, (0.0,))
        bins = max(2, min(MOST_BINS, len(present) // _ROWS_A_BIN))
        quantiles = np.quantile(present, np.arange(1, bins) / bins, method="lower")
        edges = np.unique([_short(edge) for edge in quantiles.tolist()])
        edges = edges[edges < present.max()]
        counts = np.bincount(np.searchsorted(edges, present, side="left"), minlength=len(edges) + 1)
        return cls(
            name, tuple(edges.tolist()), float(present.min()), float(present.max()), tuple(map(float, counts.tolist()))
        )

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "Continuous":
        """Read its attributes; raises ValueError, KeyError or TypeError if they are others."""
        low, high, edges = states.finite(state, "low"), states.finite(state, "high"), states.finites(state, "edges")
        if list(edges) != sorted({*edges}):
            raise states.Misfit("edges", "expected the bins' edges in order")
        return cls(states.text(state, "name"), edges, low, high, _counts(state, len(edges) + 1))

    @property
    def bins(self) -> tuple[str, ...]:
        """Each bin's name: its upper bound."""
        return (*(f"{edge:g}" for edge in self.edges), "+Inf")


@dataclass(frozen=True)
class Categorical:
    """How many rows of training fell to each of *bins*; a row may be shared among several."""

    name: str
    bins: tuple[str, ...]
    counts: tuple[float, ...]

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "Categorical":
        """Read its attributes; raises ValueError, KeyError or TypeError if they are others."""
        bins = states.texts(state, "bins")
        return cls(states.text(state, "name"), bins, _counts(state, len(bins)))


Feature = Continuous | Categorical


@dataclass(frozen=True)
class Reference:
    """The reference of a model's inputs and outputs: columns of `Measures.values` in their order, then its totals.

    The last *output_totals* of the totals are of the outputs. The JSON does not say so: the contract knows.
    """

    columns: tuple[Continuous, ...]
    totals: tuple[Categorical, ...]
    output_totals: int = field(default=0, compare=False)

    @classmethod
    def fit(cls, names: Sequence[str], measures: Measures, bins: Mapping[str, Sequence[str]]) -> "Reference":
        """Take the columns *names* of *measures*, and its totals with the names of their *bins*.

        A name that is taken gets a `_`: fields may be called like what is measured of others.
        """
        columns: dict[str, Continuous] = {}
        for name, values in zip(names, measures.values.T, strict=True):
            own = free_name(name, columns)
            columns[own] = Continuous.fit(own, values)
        totals: dict[str, Categorical] = {}
        for name, counts in measures.totals.items():
            own = free_name(name, {*columns, *totals})
            totals[own] = Categorical(own, tuple(bins[name]), tuple(round(float(count), 3) for count in counts))
        return cls(tuple(columns.values()), tuple(totals.values()))

    @property
    def features(self) -> tuple[Feature, ...]:
        """All features, columns first."""
        return (*self.columns, *self.totals)

    def beside(self, other: "Reference") -> "Reference":
        """Join the reference of the outputs to that of the inputs; a name that both have gets a `_` there."""
        taken = {feature.name for feature in self.features}
        columns = [replace(column, name=free_name(column.name, taken)) for column in other.columns]
        totals = [replace(total, name=free_name(total.name, taken)) for total in other.totals]
        return Reference((*self.columns, *columns), (*self.totals, *totals), len(totals))

    @property
    def output_categories(self) -> tuple[Categorical, ...]:
        """The totals of the outputs."""
        return self.totals[len(self.totals) - self.output_totals :]

    def count(self, measures: Measures) -> Array:
        """Count *measures* by feature and bin: `float64[features, most bins + 3]`.

        The last three of a column are values below and above training's range, and missing ones.
        """
        values = measures.values
        counted = np.zeros((len(self.features), self.width + 3))
        edges, low, high = self._limits
        rows, columns = len(values), len(self.columns)
        missing = np.isnan(values)
        if rows and columns:
            bins = (values[:, :, None] > edges).sum(axis=2)
            bins[missing] = self.width + 2
            flat = (bins + np.arange(columns) * (self.width + 3)).ravel()
            counted[:columns] = np.bincount(flat, minlength=columns * (self.width + 3)).reshape(columns, -1)
            counted[:columns, self.width] = (values < low).sum(axis=0)
            counted[:columns, self.width + 1] = (values > high).sum(axis=0)
        for row, counts in zip(counted[columns:], measures.totals.values(), strict=True):
            row[: len(counts)] = counts
        return counted

    @cached_property
    def width(self) -> int:
        """The number of bins of the feature that has most."""
        return max((len(feature.bins) for feature in self.features), default=0)

    @cached_property
    def _limits(self) -> tuple[Array, Array, Array]:
        edges = np.full((len(self.columns), max((len(it.edges) for it in self.columns), default=0)), np.inf)
        for row, column in zip(edges, self.columns, strict=True):
            row[: len(column.edges)] = column.edges
        return edges, np.array([it.low for it in self.columns]), np.array([it.high for it in self.columns])

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values."""
        return {
            "columns": [_lists(vars(column)) for column in self.columns],
            "totals": [_lists(vars(total)) for total in self.totals],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any], output_totals: int = 0) -> "Reference":
        """Read what `to_json` returned; raises ValueError, KeyError or TypeError if it is something else."""
        columns = tuple(_read(state, "columns", Continuous.from_json))
        return cls(columns, tuple(_read(state, "totals", Categorical.from_json)), output_totals)

    def check(self, columns: int, totals: Sequence[int]) -> None:
        """Raise ValueError unless there are so many columns, and totals of so many categories."""
        own = (len(self.columns), [len(total.bins) for total in self.totals])
        if own != (columns, list(totals)):
            raise ValueError(f"expected a reference of {columns} columns and totals of {totals}, got {own}")


def _lists(state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in state.items()}


def _read(state: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
    for number, each in enumerate(states.mappings(state, name) if states.listed(state, name) else ()):
        with place(name, number):
            yield read(each)


def _counts(state: Mapping[str, Any], bins: int) -> tuple[float, ...]:
    counts = states.finites(state, "counts")
    if bins != len(counts) or min(counts, default=0) < 0:
        raise states.Misfit("counts", f"expected counts of {bins} bins, none below 0, got {shown(list(counts))}")
    return counts


def _short(number: float) -> float:
    return float(f"{number:.6g}")


def named_apart(items: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Return *items* by name, as `Measures.side_by_side` calls totals: a name that is taken gets a `_`."""
    apart: dict[str, T] = {}
    for name, item in items:
        apart[free_name(name, apart)] = item
    return apart


def free_name(name: str, taken: Collection[str]) -> str:
    """Return *name*, with a `_` for each time that it is *taken*."""
    while name in taken:
        name += "_"
    return name
