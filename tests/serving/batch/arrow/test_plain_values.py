"""All that a Parquet file may hold: as fields, as what passes through, as the rows' ids."""

import csv
import datetime
import decimal
import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.batch.errors import BadInput
from serving.batch.jobs.plan import Shard
from serving.batch.jobs.scoring_job import merge_shards
from tests.serving.batch.conftest import done, read_jsonl, write_csv
from tests.serving.contracts import image_contract, png, tabular_contract, text_contract

Decimal = decimal.Decimal
NANOSECONDS = 1_767_323_045_123_456_789  # 2026-01-02T03:04:05.123456789


def extension(kind: Any, values: list[Any], storage: Any) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, pa.array(values, storage))


def counted(values: list[Any], kind: Any) -> pa.Array:
    return pa.array(values, pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)


# The values of a column, what they are in JSON, and in CSV where that is not the same.
COLUMNS: dict[str, tuple[pa.Array, list[Any], list[str] | None]] = {
    "uint64": (pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None], None),
    "float16": (pa.array(np.array([1.5, 2], np.float16)), [1.5, 2.0], None),
    "bool": (pa.array([True, None]), [True, None], None),
    "null": (pa.nulls(2), [None, None], None),
    "string_view": (pa.array(["a,b", None], pa.string_view()), ["a,b", None], None),
    "large_string": (pa.array(["a", None], pa.large_string()), ["a", None], None),
    "dictionary": (pa.array(["x", None]).dictionary_encode(), ["x", None], None),
    "text without its mark": (pa.array(["gr\xfc\xdfe\n".encode(), None]), ["gr\xfc\xdfe\n", None], None),
    "bytes": (pa.array([b"\xff\x00", b"\x01\x02"], pa.large_binary()), ["/wA=", "AQI="], None),
    "binary_view": (pa.array([b"\xff\x00", None], pa.binary_view()), ["/wA=", None], None),
    "fixed_size_binary": (pa.array([b"abc", None], pa.binary(3)), ["abc", None], None),
    **{
        f"decimal{kind.bit_width}": (pa.array([Decimal("1.10"), Decimal("-2.00")], kind), ["1.10", "-2.00"], None)
        for kind in (pa.decimal32(5, 2), pa.decimal64(10, 2))
    },
    "decimal128": (pa.array([Decimal("1E-18"), None], pa.decimal128(20, 18)), ["0.000000000000000001", None], None),
    "decimal256": (pa.array([Decimal("1.10"), None], pa.decimal256(50, 2)), ["1.10", None], None),
    "date32": (counted([20_455, 2_932_897], pa.date32()), ["2026-01-02", "10000-01-01"], None),
    "a date of before year 0": (counted([-719_530, None], pa.date32()), ["-0001-12-30", None], None),
    "timestamp[ms]": (
        counted([1_767_323_045_000, 1_767_323_045_500], pa.timestamp("ms")),
        ["2026-01-02T03:04:05", "2026-01-02T03:04:05.500000"],
        None,
    ),
    "timestamp[us]": (
        counted([253_402_300_800_000_000, -1], pa.timestamp("us")),
        ["10000-01-01T00:00:00", "1969-12-31T23:59:59.999999"],
        None,
    ),
    "timestamp[ns]": (counted([NANOSECONDS, None], pa.timestamp("ns")), ["2026-01-02T03:04:05.123456789", None], None),
    "timestamp[ns, UTC]": (
        counted([NANOSECONDS, None], pa.timestamp("ns", "UTC")),
        ["2026-01-02T03:04:05.123456789+00:00", None],
        None,
    ),
    "timestamp of an offset": (
        counted([1_767_323_045, None], pa.timestamp("s", "-05:30")),
        ["2026-01-01T21:34:05-05:30", None],
        None,
    ),
    "timestamp of a zone": (
        counted([253_402_300_800_000_000, None], pa.timestamp("us", "Asia/Tokyo")),
        ["10000-01-01T09:00:00+09:00", None],
        None,
    ),
    "timestamps that are not told in their zone": (
        counted([2**63 - 1, -(2**63) + 1], pa.timestamp("us", "+01:00")),
        ["294247-01-10T04:00:54.775807+00:00", "-290308-12-21T20:59:05.224193+01:00"],
        None,
    ),
    "timestamp of no zone": (
        counted([1_767_323_045, None], pa.timestamp("s", "Mars/Utopia")),
        ["2026-01-02T03:04:05+00:00", None],
        None,
    ),
    "time32": (counted([3_007, None], pa.time32("ms")), ["00:00:03.007000", None], None),
    "time64": (counted([86_399_000_000_007, 0], pa.time64("ns")), ["23:59:59.000000007", "00:00:00"], None),
    "duration": (
        counted([90_061_000_000_007, -1], pa.duration("ns")),
        ["P1DT1H1M1.000000007S", "-PT0.000000001S"],
        None,
    ),
    "long durations": (counted([2**62, 0], pa.duration("s")), ["P53375995583650DT7H45M4S", "PT0S"], None),
    "bool8": (extension(pa.bool8(), [1, 0], pa.int8()), [True, False], None),
    "uuid": (extension(pa.uuid(), [uuid.UUID(int=5).bytes, None], pa.binary(16)), [str(uuid.UUID(int=5)), None], None),
    "json": (extension(pa.json_(), ['{"a":1}', None], pa.string()), ['{"a":1}', None], None),
    "tensor": (
        pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(4.0).reshape(2, 2)),
        [[0.0, 1.0], [2.0, 3.0]],
        ["[0.0,1.0]", "[2.0,3.0]"],
    ),
    "list": (
        pa.array([[datetime.date(2026, 1, 2), None], None], pa.list_(pa.date32())),
        [["2026-01-02", None], None],
        ['["2026-01-02",null]', ""],
    ),
    "fixed_size_list": (pa.array([[1, 2], [3, 4]], pa.list_(pa.int8(), 2)), [[1, 2], [3, 4]], ["[1,2]", "[3,4]"]),
    "list_view": (pa.array([[1], None], pa.list_view(pa.int8())), [[1], None], ["[1]", ""]),
    "struct": (
        pa.array([{"a": Decimal("1.10"), "b": b"\xff"}, None]),
        [{"a": "1.10", "b": "/w=="}, None],
        ['{"a":"1.10","b":"/w=="}', ""],
    ),
    "map": (
        pa.array([[("a", 5), ("b", None)], []], pa.map_(pa.string(), pa.duration("ns"))),
        [{"a": "PT0.000000005S", "b": None}, {}],
        ['{"a":"PT0.000000005S","b":null}', "{}"],
    ),
    "map with a key twice": (
        pa.array([[("a", 5), ("a", 6)], None], pa.map_(pa.string(), pa.int8())),
        [[["a", 5], ["a", 6]], None],
        ['[["a",5],["a",6]]', ""],
    ),
}


def table(folder: Path, column: pa.Array, **options: Any) -> Path:
    columns = {"rooms": [5.0, 6.0], "age": [30.0, 40.0], "text": ["good film", "bad"], "kept": column}
    pq.write_table(pa.table(columns), folder / "in.parquet", **options)
    return folder / "in.parquet"


def cell(value: Any) -> str:
    return "" if value is None else str(value)


@pytest.mark.parametrize("name", COLUMNS)
def test_what_passes_through_keeps_its_value(tmp_path: Path, name: str) -> None:
    column, in_json, in_csv = COLUMNS[name]
    source, contract = table(tmp_path, column), tabular_contract()
    for ending in ("jsonl", "csv", "parquet"):
        assert done(tmp_path, contract, [source], f"out.{ending}", keep=("kept",))["rows"] == 2
    assert [row["kept"] for row in read_jsonl(tmp_path / "out.jsonl")] == in_json
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["kept"] for row in csv.DictReader(file)] == (in_csv or [cell(value) for value in in_json])
    given, got = pq.read_table(source).column("kept"), pq.read_table(tmp_path / "out.parquet").column("kept")
    assert got.type == given.type
    assert got.combine_chunks().equals(given.combine_chunks())


@pytest.mark.parametrize("name", COLUMNS)
def test_any_column_can_have_the_ids(tmp_path: Path, name: str) -> None:
    column, in_json, in_csv = COLUMNS[name]
    done(tmp_path, tabular_contract(), [table(tmp_path, column)], "out.jsonl", id_column="kept")
    expected = [text for text in in_csv or [cell(value) for value in in_json] if text]
    assert [row["row_id"] for row in read_jsonl(tmp_path / "out.jsonl")] == expected


@pytest.mark.parametrize("name", COLUMNS)
def test_what_no_field_can_be_is_told_row_by_row(tmp_path: Path, name: str) -> None:
    source = table(tmp_path, COLUMNS[name][0])
    for contract, field in ((tabular_contract(), "rooms"), (text_contract(), "text")):
        summary = done(tmp_path, contract, [source], f"{field}.jsonl", columns={field: "kept"})
        reasons = [row["reason"] for row in read_jsonl(tmp_path / f"{field}.jsonl.rejects.jsonl")]
        assert summary["rows"] + len(reasons) == 2
        assert all(reason.startswith(f"{field}: expected ") for reason in reasons)


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.decimal32(4, 1), pa.decimal64(10, 3), pa.decimal128(20, 5), pa.decimal256(60, 20)),
        *(pa.float16(), pa.float32(), pa.uint64(), pa.int8()),
    ],
    ids=str,
)
def test_numbers_of_each_kind_are_numbers(tmp_path: Path, kind: Any) -> None:
    plain = {"rooms": [5, 6], "age": [30, 40]}
    write_csv(tmp_path / "in.csv", [{"rooms": 5, "age": 30}, {"rooms": 6, "age": 40}])
    make = np.float16 if kind == pa.float16() else Decimal if pa.types.is_decimal(kind) else int
    rooms = pa.array([make(value) for value in plain["rooms"]], kind)
    pq.write_table(pa.table({**plain, "rooms": rooms}), tmp_path / "in.parquet")
    values = []
    for name in ("in.csv", "in.parquet"):
        done(tmp_path, tabular_contract(), [tmp_path / name], f"{name}.jsonl")
        values.append([row["value"] for row in read_jsonl(tmp_path / f"{name}.jsonl")])
    assert len(values[0]) == 2
    assert values[0] == values[1]


@pytest.mark.parametrize(
    "texts",
    [
        *(pa.array([b"good film", b"bad"], kind) for kind in (pa.binary(), pa.large_binary(), pa.binary_view())),
        pa.array([b"good film", b"bad"]).dictionary_encode(),
        pa.array(["good film", "bad"], pa.string_view()),
        extension(pa.json_(), ["good film", "bad"], pa.string()),
    ],
    ids=lambda texts: str(texts.type),
)
def test_text_is_text_with_or_without_its_mark(tmp_path: Path, texts: pa.Array) -> None:
    labels = []
    for index, column in enumerate((pa.array(["good film", "bad"]), texts)):
        pq.write_table(pa.table({"text": column}), tmp_path / f"{index}.parquet")
        assert done(tmp_path, text_contract(), [tmp_path / f"{index}.parquet"], f"{index}.jsonl")["rows"] == 2
        labels.append([row["scores"] for row in read_jsonl(tmp_path / f"{index}.jsonl")])
    assert labels[0] == labels[1]


def test_bytes_that_are_not_utf8_are_a_rejected_row_also_where_the_file_says_so(tmp_path: Path) -> None:
    marked = pa.StringArray.from_buffers(2, *pa.array([b"\xff\xfe", b"good"]).buffers()[1:])
    for index, column in enumerate((pa.array([b"\xff\xfe", b"good"]), marked)):
        pq.write_table(pa.table({"text": column}), tmp_path / f"{index}.parquet")
        assert done(tmp_path, text_contract(), [tmp_path / f"{index}.parquet"], f"{index}.jsonl")["rows"] == 1
        (reject,) = read_jsonl(tmp_path / f"{index}.jsonl.rejects.jsonl")
        assert reject["reason"] == "text: expected UTF-8, got other bytes"
    pq.write_table(pa.table({"text": ["good", "bad"], "kept": marked}), tmp_path / "kept.parquet")
    done(tmp_path, text_contract(), [tmp_path / "kept.parquet"], "kept.jsonl", keep=("kept",))
    assert [row["kept"] for row in read_jsonl(tmp_path / "kept.jsonl")] == ["//4=", "good"]


def test_pictures_are_bytes_base64_or_the_structs_of_hugging_face(tmp_path: Path) -> None:
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": png(3), "path": "a.png"}, {"bytes": png(90), "path": None}, {"bytes": None, "path": "b.png"}]
    pq.write_table(pa.table({"image": pa.array(rows, picture)}), tmp_path / "in.parquet")
    pq.write_table(pa.table({"image": [png(3), png(90)]}), tmp_path / "plain.parquet")
    for name, count in (("in", 2), ("plain", 2)):
        assert done(tmp_path, image_contract(), [tmp_path / f"{name}.parquet"], f"{name}.jsonl")["rows"] == count
    scores = [[row["scores"] for row in read_jsonl(tmp_path / f"{name}.jsonl")] for name in ("in", "plain")]
    assert scores[0] == scores[1]
    (reject,) = read_jsonl(tmp_path / "in.jsonl.rejects.jsonl")
    assert "got only its path, 'b.png'" in reject["reason"]


def test_shards_pass_through_what_one_run_does(tmp_path: Path) -> None:
    source = table(tmp_path, COLUMNS["timestamp[ns]"][0], row_group_size=1)
    for ending in ("parquet", "csv"):
        done(tmp_path, tabular_contract(), [source], f"whole.{ending}", keep=("kept",))
        for index in (1, 0):
            done(tmp_path, tabular_contract(), [source], f"out.{ending}", keep=("kept",), shard=Shard(index, 2))
        merge_shards(str(tmp_path / f"out.{ending}"), None)
        assert (tmp_path / f"out.{ending}").read_bytes() == (tmp_path / f"whole.{ending}").read_bytes()


def test_rejected_rows_do_not_shift_what_passes_through(tmp_path: Path) -> None:
    rooms = [5.0, None, 6.0, None, None, 7.0]
    pq.write_table(pa.table({"rooms": rooms, "age": [1.0] * 6, "kept": list(range(6))}), tmp_path / "in.parquet")
    for ending in ("parquet", "jsonl"):
        done(tmp_path, tabular_contract(), [tmp_path / "in.parquet"], f"out.{ending}", keep=("kept",), batch_rows=4)
    assert pq.read_table(tmp_path / "out.parquet").column("kept").to_pylist() == [0, 2, 5]
    assert [row["kept"] for row in read_jsonl(tmp_path / "out.jsonl")] == [0, 2, 5]


def test_a_later_file_may_have_a_type_that_fits(tmp_path: Path) -> None:
    for name, kind, value in (("1", pa.int64(), 3), ("2", pa.int8(), 4), ("3", pa.float64(), 5.5)):
        columns = {"rooms": [5.0], "age": [1.0], "kept": pa.array([value], kind)}
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    sources = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    done(tmp_path, tabular_contract(), sources, "out.parquet", keep=("kept",))
    assert pq.read_table(tmp_path / "out.parquet").column("kept").to_pylist() == [3, 4]
    with pytest.raises(BadInput, match="--keep kept: a value does not fit the type that the first file has"):
        done(tmp_path, tabular_contract(), [*sources, tmp_path / "3.parquet"], "not.parquet", keep=("kept",))


def test_a_first_file_of_nulls_does_not_say_the_type(tmp_path: Path) -> None:
    for index, column in enumerate((pa.nulls(1), pa.array(["x"]), pa.nulls(1))):
        columns = {"rooms": [5.0], "age": [1.0], "kept": column}
        pq.write_table(pa.table(columns), tmp_path / f"{index}.parquet")
    sources = [tmp_path / f"{index}.parquet" for index in range(3)]
    done(tmp_path, tabular_contract(), sources, "out.parquet", keep=("kept",))
    assert pq.read_table(tmp_path / "out.parquet").column("kept").to_pylist() == [None, "x", None]


@pytest.mark.parametrize("options", [{"keep": ("kept",)}, {"id_column": "kept"}, {"columns": {"age": "kept"}}], ids=str)
def test_a_column_that_stands_there_twice_is_told(tmp_path: Path, options: dict[str, Any]) -> None:
    columns = [pa.array([value]) for value in (5.0, 1.0, 2.0, 3.0)]
    pq.write_table(pa.table(columns, ["rooms", "age", "kept", "kept"]), tmp_path / "in.parquet")
    with pytest.raises(BadInput, match="the column 'kept' is listed twice"):
        done(tmp_path, tabular_contract(), [tmp_path / "in.parquet"], "out.csv", **options)


def test_old_timestamps_of_spark_reach_to_the_year_9999(tmp_path: Path) -> None:
    moments = counted([253_402_214_400_000_000, 0], pa.timestamp("us"))
    with_mark = pa.table({"rooms": [5.0, 6.0], "age": [1.0, 2.0], "kept": moments})
    with_mark = with_mark.replace_schema_metadata({"org.apache.spark.version": "3.5.1"})
    pq.write_table(with_mark, tmp_path / "in.parquet", use_deprecated_int96_timestamps=True)
    for ending in ("jsonl", "parquet"):
        done(tmp_path, tabular_contract(), [tmp_path / "in.parquet"], f"out.{ending}", keep=("kept",))
    assert read_jsonl(tmp_path / "out.jsonl")[0]["kept"] == "9999-12-31T00:00:00"
    assert pq.read_table(tmp_path / "out.parquet").column("kept").combine_chunks().equals(moments)


def test_a_file_without_rows_is_no_error_but_one_without_a_column_is(tmp_path: Path) -> None:
    empty = pa.table({"rooms": pa.array([], pa.float64()), "age": pa.array([], pa.float64()), "kept": pa.nulls(0)})
    pq.write_table(empty, tmp_path / "in.parquet")
    pq.ParquetWriter(tmp_path / "none.parquet", empty.schema).close()  # and without a row group
    for name in ("in", "none"):
        for ending in ("parquet", "csv"):
            summary = done(
                tmp_path, tabular_contract(), [tmp_path / f"{name}.parquet"], f"{name}.out.{ending}", keep=("kept",)
            )
            assert summary["rows"] == 0
    assert json.dumps(pq.read_table(tmp_path / "none.out.parquet").to_pylist()) == "[]"
    with pytest.raises(BadInput, match="expected a column 'text'"):
        done(tmp_path, text_contract(), [tmp_path / "none.parquet"], "out.csv")
