"""A file that is read in pieces is the same table, and a mistake in it has the same place."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.training.declarations.tables import run_new, shop, write
from training.declarations import files, parquet_files
from training.declarations.cells import column_values
from training.declarations.files import TableFile
from training.declarations.table import Dialect
from training.errors import BadRequest

VALUES = {"a": [1, None, 3, 4, 5], "b": ["x", "ä\ny", None, "", "z"]}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(files, "_PIECE", 1)
    monkeypatch.setattr(files, "_ROWS", 2)
    monkeypatch.setattr(parquet_files, "_MOST_ROWS", 2)


def test_all_rows_come_in_their_order(tmp_path):
    pq.write_table(pa.table(VALUES), tmp_path / "t.parquet")
    write(
        tmp_path,
        "t.jsonl",
        '\ufeff{"b": "x", "a": 1}\n\n{"b": "ä\\ny"}\n{"a": 3}\n{"a": 4, "b": ""}\n{"a": 5, "b": "z"}',
    )
    for name in ("t.parquet", "t.jsonl"):
        table = TableFile(tmp_path / name, Dialect())
        assert table.read(["a", "b", "c"]).columns == VALUES
        assert [piece.first for piece in table.pieces(["a"])] == [0, 2, 4]
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        write(tmp_path, "t.csv", 'a,b\n1,x\n,"ä\ny"\n3,\n4,\n5,z\n', encoding)
        table = TableFile(tmp_path / "t.csv", Dialect(encoding=encoding.removesuffix("-sig")))
        assert table.read(["a", "b"]).columns == {"a": ["1", "", "3", "4", "5"], "b": ["x", "ä\ny", "", "", "z"]}
        assert [piece.first for piece in table.pieces(["b"])] == [0, 1, 2, 3, 4]


def test_a_mistake_is_told_with_its_row_in_the_file(tmp_path):
    write(tmp_path, "t.csv", "a,b\n1,2\n3,4\n5,x\n")
    *_, last = TableFile(tmp_path / "t.csv", Dialect()).pieces(["b"])
    with pytest.raises(BadRequest, match=r"t.csv, row 3, column \"b\": expected a number, got \"x\""):
        column_values(last, "b", "number", Dialect())
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\n\n3,\xff\n")
    with pytest.raises(BadRequest, match="line 4: expected text in utf-8, got the byte 0xff"):
        _ = TableFile(tmp_path / "t.csv", Dialect()).names
    (tmp_path / "t.jsonl").write_bytes(b'{"a": 1}\n\n{"a": "\xff"}\n')
    with pytest.raises(BadRequest, match="line 3: expected text in utf-8, got the byte 0xff"):
        TableFile(tmp_path / "t.jsonl", Dialect()).read(["a"])


def test_of_a_large_file_one_row_in_several_is_looked_at_and_that_is_told(tmp_path, monkeypatch):
    data = write(tmp_path, "shop.csv", shop(300))
    monkeypatch.setattr(files, "LOOKED_AT", data.stat().st_size // 3 + 1)
    told = run_new(data, "--target", "returned", "--output", tmp_path / "shop.toml").output
    assert "shop.csv: 300 rows, 8 columns" in told
    assert "looked at one row in 3, 100 in all" in told
    assert 'target "returned": binary' in told
