"""Folders of Parquet files, as Spark, Hive and others leave them."""

import io
import json
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from serving.batch.errors import BadInput
from serving.batch.inputs.finding import find_inputs
from serving.batch.jobs.plan import Shard
from serving.batch.jobs.scoring_job import merge_shards
from tests.serving.batch.conftest import done, houses, read_jsonl
from tests.serving.contracts import image_contract, png, tabular_contract, text_contract


def write_tables(folder: Path, names: list[str], **columns: Any) -> Path:
    for index, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([{**house, **columns} for house in houses(3 + index)]), folder / name)
    return folder


SPARK = ["day=2026-01-01/part-00000.snappy.parquet", "day=2026-01-02/part-00000.snappy.parquet"]


def test_a_folder_of_spark_is_read_with_the_columns_of_its_paths(tmp_path: Path) -> None:
    table = write_tables(tmp_path / "table.parquet", SPARK)
    for name in ("_SUCCESS", "._SUCCESS.crc", "_metadata", "_common_metadata", "day=2026-01-01/.part.crc", "notes.txt"):
        (table / name).write_bytes(b"PAR1")
    write_tables(table, ["_temporary/0/part.parquet", ".hidden/part.parquet"])
    summary = done(tmp_path, tabular_contract(), [table], "out.jsonl", keep=("day",))
    assert [(row["row_id"], row["day"]) for row in read_jsonl(tmp_path / "out.jsonl")] == [
        (f"{table}/{name}:{row + 1}", name[4:14]) for index, name in enumerate(SPARK) for row in range(3 + index)
    ]
    assert summary["passed_over"] == {"hidden": 6, ".parquet": 1, ".txt": 1}


@pytest.mark.parametrize("text", ["1", "01", "-3", "2147483647", "2147483648", "1.5", "2026-01-01", "a%20b", "+1", ""])
def test_the_columns_of_paths_have_pyarrows_types(tmp_path: Path, text: str) -> None:
    table = write_tables(
        tmp_path / "table", [f"k={text}/a.parquet", "k=7/b.parquet", "x/k=__HIVE_DEFAULT_PARTITION__/c.pq"]
    )
    done(tmp_path, tabular_contract(), [table], "out.parquet", keep=("k",))
    got = pq.read_table(tmp_path / "out.parquet").column("k")
    expected = ds.dataset(table, partitioning="hive", format="parquet").to_table().column("k")
    assert got.type == expected.type
    assert sorted(map(str, got.to_pylist())) == sorted(map(str, expected.to_pylist()))


def test_the_columns_of_paths_can_be_fields_and_ids(tmp_path: Path) -> None:
    for age in (30, 40):
        (tmp_path / "table" / f"age={age}").mkdir(parents=True)
        pq.write_table(pa.table({"rooms": [5.0]}), tmp_path / "table" / f"age={age}" / "a.parquet")
    plain = pa.table({"rooms": [5.0, 5.0], "age": [30, 40]})
    pq.write_table(plain, tmp_path / "plain.parquet")
    for name in ("table", "plain.parquet"):
        done(tmp_path, tabular_contract(), [tmp_path / name], f"{name}.jsonl", id_column="age")
    rows = [read_jsonl(tmp_path / f"{name}.jsonl") for name in ("table", "plain.parquet")]
    assert rows[0] == rows[1]
    assert [row["row_id"] for row in rows[0]] == ["30", "40"]
    alone = pa.table({"id": ["x"]})
    (tmp_path / "alone" / "rooms=5" / "age=30").mkdir(parents=True)
    pq.write_table(alone, tmp_path / "alone" / "rooms=5" / "age=30" / "a.parquet")
    done(tmp_path, tabular_contract(), [tmp_path / "alone"], "alone.jsonl")
    assert [row["value"] for row in read_jsonl(tmp_path / "alone.jsonl")] == [rows[0][0]["value"]]


def test_a_column_of_the_file_goes_before_one_of_its_path(tmp_path: Path) -> None:
    table = write_tables(tmp_path / "table", ["shop=north/a.parquet"], shop="south")
    done(tmp_path, tabular_contract(), [table], "out.jsonl", keep=("shop",))
    assert {row["shop"] for row in read_jsonl(tmp_path / "out.jsonl")} == {"south"}


def test_files_of_hive_need_no_suffix(tmp_path: Path) -> None:
    table = write_tables(tmp_path / "table", ["000000_0", "000001_0"])
    (table / "README").write_text("no table")
    summary = done(tmp_path, tabular_contract(), [table], "out.jsonl")
    assert (summary["rows"], summary["passed_over"]) == (7, {"without a suffix": 1})


def test_a_pattern_passes_over_what_marks_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = write_tables(tmp_path / "table", ["part-0.parquet", "_part.parquet"])
    (table / "_SUCCESS").touch()
    monkeypatch.chdir(tmp_path)
    summary = done(tmp_path, tabular_contract(), [Path("table/*")], "out.jsonl")
    assert (summary["rows"], summary["passed_over"]) == (7, {"hidden": 1})
    with pytest.raises(BadInput, match=r"there is no table/_S\*"):
        done(tmp_path, tabular_contract(), [Path("table/_S*")], "none.jsonl")


def test_pictures_with_tables_beside_are_pictures_unless_the_format_is_said(tmp_path: Path) -> None:
    both = write_tables(tmp_path / "both", ["metadata.parquet"])
    (both / "a.png").write_bytes(png(3))
    summary = done(tmp_path, image_contract(), [both], "out.jsonl")
    assert (summary["rows"], summary["passed_over"]) == (1, {".parquet": 1})
    with pytest.raises(BadInput, match="takes other fields; --format parquet reads"):
        done(tmp_path, tabular_contract(), [both], "none.jsonl")
    assert done(tmp_path, tabular_contract(), [both], "table.jsonl", format="parquet")["rows"] == 3
    with pytest.raises(BadInput, match="expected a folder, as --format folder says"):
        done(tmp_path, image_contract(), [both / "a.png"], "file.jsonl", format="folder")


@pytest.mark.parametrize(
    ("log", "kind"),
    [("_delta_log/0.json", "Delta Lake"), (".hoodie/x.commit", "Hudi"), ("metadata/v1.metadata.json", "Iceberg")],
)
def test_tables_with_a_log_are_not_taken_for_folders_of_files(tmp_path: Path, log: str, kind: str) -> None:
    table = write_tables(tmp_path / "table", ["part-0.parquet"])
    (table / log).parent.mkdir(parents=True)
    (table / log).write_text(json.dumps({}))
    with pytest.raises(BadInput, match=f"a {kind} table, whose files may hold rows that were deleted"):
        done(tmp_path, tabular_contract(), [table], "out.jsonl")


def test_a_folder_of_other_tables_says_how_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("text\ngood\n")
    with pytest.raises(BadInput, match=r"found 1 \.csv; .* by a pattern"):
        done(tmp_path, text_contract(), [tmp_path / "in"], "out.jsonl")


def test_folders_of_tables_are_read_from_stores() -> None:
    store = fsspec.filesystem("memory")
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(houses(2)), data)
    for name in ("n=1/a.parquet", "n=2/.hidden/b.parquet", "_SUCCESS"):
        store.pipe_file(f"/bucket/table/{name}", data.getvalue())
    inputs = find_inputs(["memory://bucket/table"], None, io.BytesIO())
    store.rm("/bucket", recursive=True)
    (source,) = inputs.sources
    assert (source.name, source.keys, inputs.passed_over) == (
        "memory:///bucket/table/n=1/a.parquet",
        {"n": 1},
        {"hidden": 2},
    )


def test_shards_take_the_files_of_a_folder(tmp_path: Path) -> None:
    table = write_tables(tmp_path / "table.parquet", SPARK)
    done(tmp_path, tabular_contract(), [table], "whole.parquet", keep=("day",))
    for index in (0, 1):
        done(tmp_path, tabular_contract(), [table], "out.parquet", keep=("day",), shard=Shard(index, 2))
    assert len(list((tmp_path / "out.parquet.parts").glob("*.rows"))) == 2
    merge_shards(str(tmp_path / "out.parquet"), None)
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
