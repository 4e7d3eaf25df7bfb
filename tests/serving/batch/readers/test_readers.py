"""Kinds of files, compressions and places: the same rows come out of all."""

import codecs
import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.batch.errors import BadInput
from serving.batch.formats import open_source
from serving.batch.inputs.finding import find_inputs
from serving.batch.jobs.summary import as_text
from serving.batch.readers import records
from serving.batch.rows import find_columns
from tests.serving.batch.conftest import done, houses, read_jsonl, write_csv, write_jsonl
from tests.serving.contracts import image_contract, png, tabular_contract, text_contract

HOUSES = houses(30)


@pytest.fixture
def expected(tmp_path: Path) -> list[dict[str, Any]]:
    write_jsonl(tmp_path / "plain.jsonl", HOUSES)
    return values(tmp_path, [tmp_path / "plain.jsonl"])


def values(folder: Path, inputs: list[Path], **options: Any) -> list[Any]:
    done(folder, tabular_contract(), inputs, f"{inputs[0].name}.out.jsonl", **options)
    return [row["value"] for row in read_jsonl(folder / f"{inputs[0].name}.out.jsonl")]


def test_tables_give_the_same_in_each_form(tmp_path: Path, expected: list[Any]) -> None:
    plain = write_csv(tmp_path / "a.csv", HOUSES)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    halves = (
        pa.compress(plain.read_bytes()[:99], "zstd", asbytes=True),
        pa.compress(plain.read_bytes()[99:], "zstd", asbytes=True),
    )
    (tmp_path / "c.csv.zst").write_bytes(b"".join(halves))
    write_csv(tmp_path / "d.tsv", HOUSES, delimiter="\t")
    (tmp_path / "e.csv").write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    pq.write_table(pa.Table.from_pylist(HOUSES), tmp_path / "f.parquet", row_group_size=7)
    (tmp_path / "g.dat").write_bytes(plain.read_bytes())
    for name in ("a.csv", "b.csv.gz", "c.csv.zst", "d.tsv", "e.csv", "f.parquet"):
        assert values(tmp_path, [tmp_path / name]) == expected, name
    assert values(tmp_path, [tmp_path / "g.dat"], format="csv") == expected


def test_rows_of_parquet_are_numbered_in_their_file(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(HOUSES), tmp_path / "in.parquet", row_group_size=7)
    done(tmp_path, tabular_contract(), [tmp_path / "in.parquet"], "out.jsonl", part_rows=3)
    ids = [row["row_id"] for row in read_jsonl(tmp_path / "out.jsonl")]
    assert ids == [f"{tmp_path}/in.parquet:{number}" for number in range(1, 31)]


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.zst", "jsonl", "jsonl.gz", "jsonl.zst"])
def test_outputs_are_read_by_common_tools(tmp_path: Path, ending: str) -> None:
    source = write_csv(tmp_path / "in.csv", [{**house, "note": 'a "b",\n\xe9'} for house in HOUSES])
    done(tmp_path, tabular_contract(), [source], f"out.{ending}", keep=("note",), part_rows=7, batch_rows=3)
    with pa.input_stream(str(tmp_path / f"out.{ending}"), compression="detect") as stream:
        data = stream.read()
    assert data.count('a ""b"",\n\xe9'.encode() if "csv" in ending else b'a \\"b\\",\\n\xc3\xa9') == 30
    again = tmp_path / f"again.{ending}"
    (tmp_path / f"out.{ending}").rename(again)
    if "csv" in ending:  # as an input, too
        text = text_contract()
        done(tmp_path, text, [again], "third.jsonl", columns={"text": "note"}, id_column="row_id")
        assert len(read_jsonl(tmp_path / "third.jsonl")) == 30


def test_parquet_keeps_the_types_of_what_passes_through(tmp_path: Path) -> None:
    rows = [{**house, "number": index, "tags": ["x", str(index)]} for index, house in enumerate(HOUSES)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    keep = ("number", "tags")
    done(tmp_path, tabular_contract(), [tmp_path / "in.parquet"], "out.parquet", keep=keep, part_rows=11)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.names == ["row_id", "number", "tags", "value", "unit", "model", "version", "contract"]
    assert [{"number": row["number"], "tags": row["tags"]} for row in table.to_pylist()] == [
        {"number": row["number"], "tags": row["tags"]} for row in rows
    ]
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups == 3


def test_scores_by_label_are_a_map_in_parquet(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": "good film", "n": 3}])
    done(tmp_path, text_contract(), [tmp_path / "in.jsonl"], "out.parquet", keep=("n",))
    (row,) = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert (row["n"], dict(row["scores"]).keys()) == ("3", {"negative", "positive"})


def test_pictures_come_from_folders_and_archives(tmp_path: Path) -> None:
    shades = {"b/2.png": 20, "b/10.png": 100, "a.png": 200}
    folder, archive = tmp_path / "photos", tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as zipped, tarfile.open(tmp_path / "photos.tgz", "w:gz") as tar:
        for name, shade in shades.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(png(shade))
            zipped.write(folder / name, name)
            tar.add(folder / name, name)
        (folder / "notes.txt").write_text("not a picture")
        (folder / "broken.png").write_bytes(b"not one either")
        zipped.write(folder / "notes.txt", "notes.txt")
        zipped.writestr("__MACOSX/._a.png", b"")
        info = tarfile.TarInfo("broken.png")
        tar.addfile(info, io.BytesIO())
    labels = {}
    for name in ("photos", "photos.zip", "photos.tgz"):
        done(tmp_path, image_contract(), [tmp_path / name], f"{name}.out.jsonl", batch_rows=2)
        rows = read_jsonl(tmp_path / f"{name}.out.jsonl")
        labels[name] = {row["row_id"].removeprefix(f"{tmp_path}/{name}/"): row["scores"] for row in rows}
    assert [*labels["photos"]] == ["a.png", "b/10.png", "b/2.png"]
    assert [*labels["photos.zip"]] == [*shades] == [*labels["photos.tgz"]]
    assert labels["photos"] == labels["photos.zip"] == labels["photos.tgz"]
    (reject,) = read_jsonl(tmp_path / "photos.out.jsonl.rejects.jsonl")
    assert reject["row_id"].endswith("photos/broken.png")
    assert "expected a whole picture" in reject["reason"]


def test_object_stores_are_read_and_written(tmp_path: Path, expected: list[Any]) -> None:
    store = fsspec.filesystem("memory")
    store.pipe_file("/bucket/in/1.csv", write_csv(tmp_path / "1.csv", HOUSES[:10]).read_bytes())
    store.pipe_file("/bucket/in/2.csv", write_csv(tmp_path / "2.csv", HOUSES[10:]).read_bytes())
    output = Path("out.jsonl")
    for attempt in range(2):
        summary = done_in_store("memory://bucket/in/*.csv", f"memory://bucket/{output}")
        assert (summary["rows"], summary.get("finished_before", False)) == (30, bool(attempt))
    lines = store.cat_file(f"/bucket/{output}").decode().splitlines()
    (tmp_path / "got.jsonl").write_text("\n".join(lines))
    got = read_jsonl(tmp_path / "got.jsonl")
    assert [row["value"] for row in got] == expected
    assert (got[0]["row_id"], got[10]["row_id"]) == ("memory:///bucket/in/1.csv:1", "memory:///bucket/in/2.csv:1")
    assert not store.exists("/bucket/out.jsonl.parts")
    store.rm("/bucket", recursive=True)


def done_in_store(source: str, output: str) -> dict[str, Any]:
    import threading

    from serving.batch.jobs.scoring_job import Job, score, start
    from tests.serving.batch.instant import InstantServer

    job = Job((source,), "house_price", output, part_rows=7)
    server = InstantServer(tabular_contract())
    return score(start(job, server), server, lambda: server, threading.Event())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.csv.gz", gzip.compress(b"rooms,age\n" + b"5,30\n" * 90_000)[:-40], "is damaged"),
        ("in.csv.gz", b"rooms,age\n5,30\n", "is damaged"),
        ("in.csv.zst", b"rooms,age\n5,30\n", "is damaged"),
        ("in.parquet", b"rooms,age\n5,30\n", "not a Parquet file"),
        ("in.csv", b"", "expected a line with the names of the columns, got nothing"),
        ("in.csv", b"rooms,age,age\n1,2,3\n", "the column 'age' is listed twice"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=f"{name}.*{said}"):
        done(tmp_path, tabular_contract(), [tmp_path / name], "out.jsonl")


@pytest.mark.parametrize(("name", "content"), [("in.zip", b"none"), ("in.tar", b"none" * 200), ("in.tgz", b"none")])
def test_damaged_archives_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=f"{name}.*(not a zip|is damaged)"):
        done(tmp_path, image_contract(), [tmp_path / name], "out.jsonl")


def test_a_parquet_page_that_differs_from_its_checksum_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    table = pa.table({"rooms": [3.0] * 9 + [5.25], "age": [30.0] * 10})
    pq.write_table(
        table, path, compression="none", use_dictionary=False, write_statistics=False, write_page_checksum=True
    )
    content = path.read_bytes()
    assert content.count(struct.pack("<d", 5.25)) == 1
    path.write_bytes(content.replace(struct.pack("<d", 5.25), struct.pack("<d", 4.25)))
    with pytest.raises(BadInput, match=r"in\.parquet is damaged in row group 0: .*CRC checksum verification failed"):
        done(tmp_path, tabular_contract(), [path], "out.jsonl")
    path.write_bytes(content)
    assert done(tmp_path, tabular_contract(), [path], "whole.jsonl")["rows"] == 10


def test_names_of_parquet_columns_that_are_not_utf_8_are_told(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"rooms": [5.0], "age": [30.0], "other": [1.0]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"other", b"oth\xffr"))
    with pytest.raises(BadInput, match=r"in\.parquet: expected names of columns in UTF-8, got b'oth\\xffr'"):
        done(tmp_path, tabular_contract(), [path], "out.jsonl")


def archive(count: int) -> bytes:
    """A tar of pictures, each of which takes two blocks of 512 bytes, that ends at byte 10,240."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for number in range(count):
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(png(number))
            tar.addfile(member, io.BytesIO(png(number)))
    return made.getvalue()


@pytest.mark.parametrize("name", ["in.tar", "in.tgz"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (archive(3)[:2048], "byte 2,048: expected a member or the archive's end, got empty header"),
        (archive(3)[:2148], "byte 2,148: expected a member or the archive's end, got truncated header"),
        (archive(3)[:2600], "byte 2,600: unexpected end of data"),
        (archive(3)[:3072], "byte 3,072: expected a member or the archive's end, got empty header"),
        (
            archive(2)[:2048] + b"x" * 512 + archive(1),
            "byte 2,560: expected a member or the archive's end, got invalid header",
        ),
        (archive(2) + archive(1), "byte 10,752: expected nothing after the archive's end"),
    ],
)
def test_a_tar_that_is_cut_damaged_or_followed_by_another_is_named_with_the_place(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(BadInput, match=f"{name} is damaged: {said}"):
        done(tmp_path, image_contract(), [tmp_path / name], "out.jsonl")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_an_extended_header_that_would_fill_memory_is_not_read(tmp_path: Path, kind: bytes) -> None:
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, (1 << 20) + 1
    content = archive(1)[:1024] + header.tobuf(tarfile.USTAR_FORMAT) + bytes(header.size)
    (tmp_path / "in.tgz").write_bytes(gzip.compress(content))
    said = "byte 1,536: expected an extended header of at most 1,048,576 bytes, got one of 1,048,577"
    with pytest.raises(BadInput, match=rf"in\.tgz is damaged: {said}"):
        done(tmp_path, image_contract(), [tmp_path / "in.tgz"], "out.jsonl")


def test_a_tar_may_end_without_padding(tmp_path: Path) -> None:
    (tmp_path / "in.tar").write_bytes(archive(3)[: 3 * 1024 + 512])
    assert done(tmp_path, image_contract(), [tmp_path / "in.tar"], "out.jsonl")["rows"] == 3


def test_rows_that_are_too_long_are_rejected_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.batch.readers.jsonl_rows.MAX_ROW_BYTES", 100)
    monkeypatch.setattr("serving.batch.readers.csv_rows.MAX_ROW_BYTES", 100)
    write_jsonl(tmp_path / "in.jsonl", [{"text": "good"}, {"text": "bad " * 100}, {"text": "film"}])
    (tmp_path / "in.csv").write_text('text\ngood\n"' + "bad " * 100 + '"\nfilm\n')
    for name in ("in.jsonl", "in.csv"):
        done(tmp_path, text_contract(), [tmp_path / name], f"{name}.out.jsonl")
        assert len(read_jsonl(tmp_path / f"{name}.out.jsonl")) == 2
        (reject,) = read_jsonl(tmp_path / f"{name}.out.jsonl.rejects.jsonl")
        assert (reject["row"], "expected a row of at most" in reject["reason"]) == (2, True)


@pytest.mark.parametrize(
    "row", ['"' + "bad\n" * 100 + '"\n', '"never closed\n' + "good\n" * 100, '"bad\n' + "bad " * 50 + '"\n']
)
def test_a_row_whose_end_is_not_known_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str) -> None:
    monkeypatch.setattr("serving.batch.readers.csv_rows.MAX_ROW_BYTES", 100)
    (tmp_path / "in.csv").write_text(f"text\ngood\n{row}film\n")
    with pytest.raises(BadInput, match=r"in\.csv is damaged: row 2"):
        done(tmp_path, text_contract(), [tmp_path / "in.csv"], "out.jsonl")


def test_bites_are_small_where_rows_are_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_CHUNK_BYTES", 300)
    write_jsonl(tmp_path / "in.jsonl", [{"text": "good " * 30} for _ in range(9)])
    inputs = find_inputs([str(tmp_path / "in.jsonl")], None, io.BytesIO())
    opened = open_source(inputs.sources[0], find_columns(text_contract(), {}, None, ()))
    assert len(opened.records.take(9)) == 2
    assert opened.records.skip(99) == 7
    assert opened.records.take(1) == []
    opened.records.close()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (["text", "good", '"bad', "film"], 3),
        (["text", "good", "film", '"A film that begins well, and th'], 4),
        (['"text', "good"], 1),
        (["text", *["good"] * 3000, '"bad', *["film"] * 2000], 3002),
        (["text", '"two', 'lines"', '"bad', 'film" good', "good"], 4),  # the next quote closes it in a wrong place
        (["text", '"bad', '"film"', "good"], 2),
    ],
)
@pytest.mark.parametrize("name", ["in.csv", "in.tsv", "in.csv.gz"])
def test_a_quote_that_is_not_closed_ends_the_run(
    tmp_path: Path, rows: list[str], line: int, end: str, name: str
) -> None:
    content = end.join(rows).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(BadInput, match=rf"{name} is damaged: row \d+, which begins in line {line}: a quote is not"):
        done(tmp_path, text_contract(), [tmp_path / name], "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_a_quote_within_a_cell_of_one_line_costs_that_row(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('text\ngood\n"good" film\n"good ""very"" film"\nfive " film\n')
    done(tmp_path, text_contract(), [tmp_path / "in.csv"], "out.jsonl")
    assert len(read_jsonl(tmp_path / "out.jsonl")) == 3
    (reject,) = read_jsonl(tmp_path / "out.jsonl.rejects.jsonl")
    assert (reject["row"], "expected CSV: " in reject["reason"]) == (2, True)


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz", "in.csv"])
def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path, name: str) -> None:
    content = codecs.BOM_UTF8 + (b'{"text": "good"}\n' if "jsonl" in name else b"text\ngood\n")
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert done(tmp_path, text_contract(), [tmp_path / name], "out.jsonl", max_rejects="0")["rows"] == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", "text\ngood\n".encode("utf-16"), "expected text in UTF-8, got UTF-16"),
        ("in.csv", "text\ngood\n".encode("utf-16-be"), "got zero bytes, as in UTF-16"),
        ("in.jsonl", '{"text": "good"}\n'.encode("utf-16"), "expected text in UTF-8, got UTF-16"),
        ("in.csv", "tëxt\ngood\n".encode("latin-1"), "the names of the columns are not UTF-8"),
        ("in.csv", gzip.compress(b"text\ngood\n", mtime=0), "got gzip: let its name end in .gz"),
        ("in.jsonl", gzip.compress(b"{}\n", mtime=0), "got gzip: let its name end in .gz"),
        ("in.csv", b"PK\3\4" + bytes(30), "got a zip archive or a spreadsheet"),
        ("in.csv", b"\x1b[31mred,\x07\ngood,1\n", r"got \\x1b\[31mred, \\x07;"),
        ("in.jsonl", b'{"\\u001b[31m": 1}\n', r"got \\x1b\[31m;"),
    ],
)
def test_what_is_no_text_is_told_without_its_bytes(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message) as raised:
        done(tmp_path, text_contract(), [tmp_path / name], "out.jsonl")
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(("name", "mark"), [("in.csv", ";"), ("in.csv", "\t"), ("in.csv", "|"), ("in.tsv", ",")])
def test_another_separator_is_found_by_the_columns(tmp_path: Path, name: str, mark: str) -> None:
    write_csv(tmp_path / name, [{"id": 1, "text": "good, very; film"}], mark)
    assert done(tmp_path, text_contract(), [tmp_path / name], "out.jsonl", max_rejects="0")["rows"] == 1


def test_a_separator_that_is_not_told_by_the_header_can_be_given(tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", [{"text": "good", "x;text": "bad"}], "|")
    with pytest.raises(BadInput, match=r"expected a column 'text', got text\|x;text"):
        done(tmp_path, text_contract(), [tmp_path / "in.csv"], "out.jsonl")
    assert done(tmp_path, text_contract(), [tmp_path / "in.csv"], "out.jsonl", separator="pipe")["rows"] == 1


@pytest.mark.parametrize(
    ("cells", "decimal", "rooms"),
    [
        (["3,5"], None, 3.5),
        (["4", "0,123"], None, 0.123),
        (["3,25"], "comma", 3.25),
        (["3.5"], None, 3.5),
        (["1,234"], "comma", 1.234),
    ],
)
def test_decimal_commas_are_read(tmp_path: Path, cells: list[str], decimal: str | None, rooms: float) -> None:
    write_csv(tmp_path / "in.csv", [{"rooms": cell, "age": "30"} for cell in cells], ";")
    write_csv(tmp_path / "plain.csv", [{"rooms": rooms, "age": 30}])
    done(tmp_path, tabular_contract(), [tmp_path / "in.csv"], "out.jsonl", decimal=decimal, max_rejects="0")
    done(tmp_path, tabular_contract(), [tmp_path / "plain.csv"], "plain.jsonl")
    assert read_jsonl(tmp_path / "out.jsonl")[-1]["value"] == read_jsonl(tmp_path / "plain.jsonl")[0]["value"]


def test_a_point_among_decimal_commas_is_refused_whatever_is_beside_it(tmp_path: Path) -> None:
    rows = [{"rooms": "3,5", "age": "30"}, {"rooms": "1.234", "age": "30"}, {"rooms": "1.234", "age": "30,5"}]
    write_csv(tmp_path / "in.csv", rows, ";")
    done(tmp_path, tabular_contract(), [tmp_path / "in.csv"], "out.jsonl")
    rejects = read_jsonl(tmp_path / "out.jsonl.rejects.jsonl")
    assert [(it["row"], "got '1.234'" in it["reason"]) for it in rejects] == [(2, True), (3, True)]


def test_what_may_be_thousands_is_asked_for(tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", [{"rooms": "1,234", "age": "30"}], ";")
    with pytest.raises(BadInput, match="is 1,234 a decimal number, or one of thousands"):
        done(tmp_path, tabular_contract(), [tmp_path / "in.csv"], "out.jsonl")
    done(tmp_path, tabular_contract(), [tmp_path / "in.csv"], "out.jsonl", decimal="point")
    assert "got '1,234'" in read_jsonl(tmp_path / "out.jsonl.rejects.jsonl")[0]["reason"]


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl", "in.parquet"])
def test_a_field_that_no_column_has_is_refused_unless_asked_for(tmp_path: Path, name: str) -> None:
    house: dict[str, Any] = {"rooms": 3.5, "aeg": 30.0}
    if name.endswith("csv"):
        write_csv(tmp_path / name, [house])
    elif name.endswith("jsonl"):
        write_jsonl(tmp_path / name, [house])
    else:
        pq.write_table(pa.Table.from_pylist([house]), tmp_path / name)
    lenient = tabular_contract(missing="mean")
    with pytest.raises(BadInput, match=r"expected a column 'age', got rooms, aeg; .*--allow-missing"):
        done(tmp_path, lenient, [tmp_path / name], "out.jsonl")
    summary = done(tmp_path, lenient, [tmp_path / name], "out.jsonl", allow_missing=True)
    assert (summary["rows"], summary["unused_columns"]) == (1, ["aeg"])
    assert "  unused     aeg: no field takes them" in as_text(summary)
