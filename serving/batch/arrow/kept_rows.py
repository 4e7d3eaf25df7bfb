"""Rows of a record batch that pass through to the output: Parquet gets Arrow's values, other formats plain ones."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

from serving.batch.arrow.plain_values import plain
from serving.batch.extras import extra


class KeptBatch:
    """The rows of an Arrow record batch."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def __iter__(self) -> Iterator["KeptRow"]:
        return (KeptRow(self, number) for number in range(len(self.batch)))

    @cached_property
    def rows(self) -> list[tuple[Any, ...]]:
        """The plain values."""
        return list(zip(*map(plain, self.batch.columns), strict=True))


class KeptRow(Sequence[Any]):
    """The plain values of a row; they are made for the whole batch on first use."""

    __slots__ = ("number", "of")

    def __init__(self, of: KeptBatch, number: int) -> None:
        self.of = of
        self.number = number

    def __iter__(self) -> Iterator[Any]:
        return iter(self.of.rows[self.number])

    def __len__(self) -> int:
        return len(self.of.batch.columns)

    def __getitem__(self, column: Any) -> Any:
        return self.of.rows[self.number][column]


def chosen(rows: Sequence[KeptRow]) -> Any:
    """Return a record batch of *rows*, which are rows of one batch in its order."""
    batch = rows[0].of.batch
    stretches = groupby(enumerate(rows), lambda item: item[1].number - item[0])
    slices = [[row.number for _, row in stretch] for _, stretch in stretches]
    return extra("pyarrow", "Parquet").concat_batches([batch.slice(each[0], len(each)) for each in slices])
