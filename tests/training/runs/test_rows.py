import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.training.report import records
from training.problem_types import BINARY
from training.runs import rows as rows_module
from training.runs import rows_file
from training.runs.costs import severities
from training.runs.errors import UnreadableRun
from training.runs.rows import digest, rows_of
from training.runs.rows_file import FILE, read_rows, write_rows


@pytest.mark.parametrize(
    "record",
    [records.binary(), records.multiclass(), records.multilabel(), records.values(), records.several()],
    ids=lambda record: record.head_name or record.problem.name,
)
def test_what_is_written_is_read_again(record, tmp_path):
    write_rows(record, tmp_path)
    read = read_rows(tmp_path)

    assert read.digests == [digest(instance) for instance in record.test_instances]
    for run in [record, *record.others.values()]:
        assert np.array_equal(read.heads[run.head_name].targets, run.test_targets)
        assert np.array_equal(read.heads[run.head_name].scores, run.test_scores.astype(np.float32))
    assert read.shown == rows_of(record).shown


def test_equal_instances_have_one_digest_whatever_made_them():
    plain = {"rooms": 3, "town": "Ulm", "area": None, "tags": ["a", 2]}
    others = {"area": float("nan"), "rooms": np.float64(3.0), "town": "Ulm", "tags": ["a", 2.0]}

    assert digest(plain) == digest(others)
    assert len({digest(plain), digest(plain | {"rooms": 4}), digest(plain | {"town": "ulm"}), digest({"i": b"a"})}) == 4


def test_only_rows_that_cost_something_are_kept_with_their_instances():
    rows = rows_of(records.binary())  # rows 2 and 3 are answered wrongly

    assert sorted(rows.shown) == [2, 3]
    assert rows.shown[3].texts["text"].startswith("review 3 good film")


def test_the_worst_rows_are_kept_if_there_are_too_many(monkeypatch):
    monkeypatch.setattr(rows_module, "MOST_SHOWN", 1)

    assert [*rows_of(records.binary()).shown] == [3]  # 0.9 for a 0 is worse than 0.4 for a 1


def test_of_too_many_rows_two_runs_keep_the_same(monkeypatch):
    monkeypatch.setattr(rows_module, "MOST_ROWS", 2)
    first = records.binary()
    turned = {
        name: getattr(first, name)[::-1] for name in ("test_instances", "test_targets", "test_scores")
    }  # the same rows in another order

    kept, other = rows_of(first), rows_of(dataclasses.replace(first, **turned))

    assert sorted(kept.digests) == sorted(other.digests)
    assert len(kept) == 2
    assert np.array_equal(kept.heads[""].targets, first.test_targets[kept.numbers])


def test_a_wrong_answer_is_as_bad_as_its_loss_and_a_right_one_not_at_all():
    found = severities(BINARY, np.array([1, 1, 0]), np.array([[0.9], [0.4], [0.75]], np.float32))

    assert found.round(3).tolist() == [0.0, 0.916, 1.386]


def test_a_run_without_rows_has_none(tmp_path):
    assert read_rows(tmp_path) is None


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("_MOST_BYTES", "bytes, more than"),
        ("MOST_ROWS", "4 rows, more"),
        ("MOST_SCORES", "more than any"),
    ],
)
def test_more_rows_than_a_run_writes_are_not_read(limit, told, tmp_path, monkeypatch):
    write_rows(records.multilabel(), tmp_path)
    monkeypatch.setattr(rows_file, limit, 3)

    with pytest.raises(UnreadableRun, match=told):
        read_rows(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "bit", "other"])
def test_damaged_rows_are_named(damage, tmp_path):
    write_rows(records.binary(), tmp_path)
    path = tmp_path / FILE
    content = bytearray(path.read_bytes())
    if damage == "bit":
        content[60] ^= 255
    path.write_bytes({"cut": content[:-20], "bit": content, "other": b"no table at all"}[damage])

    with pytest.raises(UnreadableRun, match=r"rows\.parquet: expected the test rows of a run: .*; train again, or"):
        read_rows(tmp_path)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("row", ["first"] * 4),
        ("row", [0.5] * 4),
        ("digest", [[1]] * 4),
        ("target", [[1]] * 4),
        ("instance", ['{"texts": 5, "fields": {}, "images": []}'] * 4),
        ("instance", ['{"texts": {}, "fields": {"a": {"b": 1}}, "images": []}'] * 4),
        ("scores", None),
    ],
)
def test_columns_of_other_kinds_are_damage(column, values, tmp_path):
    write_rows(records.binary(), tmp_path)
    table = pa.parquet.read_table(tmp_path / FILE).drop_columns(column)
    pa.parquet.write_table(table if values is None else table.append_column(column, pa.array(values)), tmp_path / FILE)

    with pytest.raises(UnreadableRun, match=r"rows\.parquet: expected the test rows of a run: "):
        read_rows(tmp_path)
