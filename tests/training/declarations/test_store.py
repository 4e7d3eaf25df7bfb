"""Rows on disk are the rows that were in the file, whatever their values are, and whoever asks for which of them."""

import errno
import math

import numpy as np
import pytest

from serving.process.exit_codes import ExitCode
from training.data import scratch
from training.data.instances import Selected, walk
from training.declarations import store
from training.declarations.store import RowWriter, StoredRows

COLUMNS = {
    "whole": [1, -(2**63), None],
    "huge": [2**63, -(2**70), 0],
    "number": [0.1, math.inf, None],
    "mixed": [1, 1.0, True],
    "truth": [True, None, False],
    "text": ["a\nb", "", "\u0e01 naïve"],
    "half": ["\ud800", "x", None],
    "list": [[1.5, None], [], None],
    "wholes": [[1, 2], [3], []],
    "nested": [[[1], ["x"]], [], [None]],
    "object": [{"a": [1, None]}, {}, None],
    "nothing": [None, None, None],
}
ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]


def stored(times: int = 1) -> StoredRows:
    with RowWriter() as writer:
        for _ in range(times):
            writer.add(COLUMNS)
        return writer.finish()


def test_values_come_back_exactly_as_they_were():
    rows = stored()
    assert repr(list(rows)) == repr(ROWS)  # by repr, to which 1, 1.0 and True differ
    assert {name: list(rows.column(name)) for name in COLUMNS} == COLUMNS


def test_rows_of_several_batches_come_in_the_order_in_which_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(store, "_BATCH", 1)
    rows, index = stored(5), np.array([14, 0, 3, 3, 7])
    assert repr(rows.take(index)) == repr([ROWS[number % 3] for number in index])
    assert repr(rows[4]) == repr(ROWS[1])
    assert repr(rows[-1]) == repr(ROWS[2])
    assert repr(list(rows[1:9:3])) == repr([ROWS[1]] * 3)
    assert list(Selected(rows, index).column("text")) == [COLUMNS["text"][number % 3] for number in index]


def test_a_column_may_have_other_types_in_other_batches():
    with RowWriter() as writer:
        writer.add({"a": [1, 2]})
        writer.add({"a": ["x", None]})
        writer.add({"a": [0.5, [1]]})
        rows = writer.finish()
    assert [row["a"] for row in rows] == [1, 2, "x", None, 0.5, [1]]


def test_whoever_walks_through_selected_rows_gets_each_with_its_number():
    index = np.random.default_rng(1).permutation(15)
    for base in (stored(5), ROWS * 5):
        pieces = list(walk(Selected(Selected(base, index), range(14, -1, -1))))
        found = {int(row): instance for rows, piece in pieces for row, instance in zip(rows, piece, strict=True)}
        assert repr([found[row] for row in range(15)]) == repr([ROWS[number % 3] for number in index[::-1]])


def test_a_full_disk_is_told_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv(scratch.FOLDER, str(tmp_path))

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scratch.os, "posix_fallocate", full)
    with pytest.raises(
        scratch.CacheUnavailable, match=r"100 MB .*No space left on device; set PLUMBLINE_CACHE"
    ) as told:
        scratch.new_memory(100_000_000)
    assert str(tmp_path) in str(told.value)
    assert told.value.exit_code == ExitCode.RETRY
    monkeypatch.setenv(scratch.FOLDER, str(tmp_path / "none"))
    with pytest.raises(scratch.CacheUnavailable, match="No such file"):
        RowWriter()
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_in_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(scratch.FOLDER, str(tmp_path))
    rows, memory = stored(), scratch.new_memory(4096)
    memory[:3] = b"abc"
    assert list(tmp_path.iterdir()) == []  # a process that is killed could not remove anything
    assert len(rows) == 3
