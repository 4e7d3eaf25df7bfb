"""A process of its own reads Parquet. It is killed here as a damaged page would end it, which needs no such page."""

import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.batch.arrow import page_process
from serving.batch.arrow.pages import Pages
from serving.batch.errors import BadInput, BatchError, Unfinished
from serving.batch.readers.parquet_rows import ParquetRecords
from serving.process.exit_codes import ExitCode
from tests.serving.batch.conftest import Command, done, houses, read_jsonl
from tests.serving.contracts import tabular_contract

ROOT = Path(__file__).parents[4]
MANY = 100_000
"""Rows that don't fit the pipe: the process is not done when it is killed."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a row group of 10 rows, and one of many."""
    rows = {"rooms": [5.0] * MANY, "age": [*map(float, range(MANY))]}
    with pq.ParquetWriter(tmp_path / "in.parquet", pa.schema({"rooms": pa.float64(), "age": pa.float64()})) as writer:
        writer.write_table(pa.Table.from_pylist(houses(10)))
        writer.write_table(pa.table(rows), row_group_size=MANY)
    return tmp_path / "in.parquet"


def killed_while_it_reads(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """Have the process killed after the first record batch of the second row group."""
    take = ParquetRecords.take

    def taken(self: ParquetRecords, count: int) -> object:
        batch = take(self, count)
        if self.pages.rows == MANY:
            os.kill(self.pages.pid, number)
        return batch

    monkeypatch.setattr(ParquetRecords, "take", taken)


@pytest.mark.parametrize(
    ("number", "error", "said"),
    [
        (signal.SIGABRT, BadInput, r"in\.parquet, row group 1, can't be read: .* ended there by SIGABRT\. The file"),
        (signal.SIGKILL, Unfinished, r"in\.parquet, row group 1: .* killed by SIGKILL, perhaps because memory ran out"),
        (
            signal.SIGTERM,
            Unfinished,
            r"in\.parquet, row group 1: .* was killed by SIGTERM; run the same command again$",
        ),
    ],
)
def test_the_end_of_the_process_is_an_error_that_names_the_row_group(
    path: Path, number: signal.Signals, error: type[BatchError], said: str
) -> None:
    pages = Pages(str(path), str(path), 1)
    batches = pages.batches(["rooms", "age"])
    assert len(next(batches)) == 1024
    os.kill(pages.pid, number)
    with pytest.raises(error, match=said):
        list(batches)
    pages.close()
    again = Pages(str(path), str(path), 1)
    assert sum(map(len, again.batches(["age"]))) == MANY
    again.close()


def test_a_run_ends_with_what_is_whole_and_is_finished_by_the_next(
    command: Command, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (path, "--output", "out.jsonl")
    with monkeypatch.context() as patched:
        killed_while_it_reads(patched, signal.SIGABRT)
        ended = command(*arguments, model="house_price")
    parts = [*Path("out.jsonl.parts").glob("*.rows")]
    assert (ended.exit_code, len(parts)) == (ExitCode.BAD_INPUT, 1)
    assert f"Error: {path}, row group 1, can't be read: the Parquet library was ended there by SIGABRT" in ended.stderr
    assert "Traceback" not in ended.output
    assert command(*arguments, "--limit", 2000, "--restart", model="house_price").exit_code == ExitCode.DONE
    assert len(read_jsonl(Path("out.jsonl"))) == 2000


def test_files_are_read_by_one_process(path: Path, tmp_path: Path) -> None:
    pids = set()
    for group in (0, 1, 0):
        pages = Pages("it", str(path), group)
        list(pages.batches(["age"]))
        pages.close()
        pids.add(pages.pid)
    with pytest.raises(FileNotFoundError, match="nothing\\.parquet"):
        Pages("nothing", str(tmp_path / "nothing.parquet"), 0)
    (tmp_path / "none.parquet").write_text("none")
    with pytest.raises(BadInput, match=r"^none: not a Parquet file"):
        Pages("none", str(tmp_path / "none.parquet"), 0)
    pages = Pages("it", str(path), 0)
    pages.close()
    assert pids == {pages.pid}


def test_the_process_ends_with_the_one_that_started_it(path: Path) -> None:
    program = f"""
import sys, time
from serving.batch.arrow import page_process
from serving.batch.arrow.pages import Pages
pages = Pages("it", {str(path)!r}, 1)
next(pages.batches(["age"]))
print(pages.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        reading = os.pidfd_open(int(parent.stdout.readline()))
        try:
            parent.kill()
            ended, _, _ = select.select([reading], [], [], 60)
        finally:
            os.close(reading)
    assert ended == [reading]


def test_columns_that_have_no_bytes_keep_their_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"rooms": [1.0, 2.0], "none": pa.nulls(2)}), tmp_path / "in.parquet")
    pages = Pages("it", str(tmp_path / "in.parquet"), 0)
    assert [(batch.num_rows, batch.schema.names) for batch in pages.batches([])] == [(2, [])]
    assert [batch.to_pydict() for batch in pages.batches(["none"])] == [{"none": [None, None]}]
    pages.close()


def test_a_file_without_row_groups_has_columns_and_no_rows(tmp_path: Path) -> None:
    with pq.ParquetWriter(tmp_path / "in.parquet", pa.schema({"rooms": pa.float64(), "age": pa.float64()})):
        pass
    pages = Pages("it", str(tmp_path / "in.parquet"), 0)
    assert (pages.columns, pages.rows, [*pages.batches(["age"])]) == (["rooms", "age"], 0, [])
    pages.close()
    assert done(tmp_path, tabular_contract(), [tmp_path / "in.parquet"], "out.jsonl")["rows"] == 0


def test_a_file_in_a_real_s3_server_is_read_there(path: Path, bucket: str) -> None:
    url = f"{bucket}/in.parquet"
    fsspec.filesystem("s3").put_file(str(path), url)
    code = "import sys; from serving.batch.arrow.pages import Pages; url = sys.argv[1]\n"
    code += "print(*map(len, Pages(url, url, 0).batches(['rooms', 'age'])))"
    # In a program of its own: the processes of this one may be older than the server's address in the environment.
    read = subprocess.run([sys.executable, "-c", code, url], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (read.stdout, read.returncode) == ("10\n", 0), read.stderr


def batches(path: Path, column: str) -> list[pa.RecordBatch]:
    pages = Pages(path.name, str(path), 0)
    try:
        return [*pages.batches([column])]
    finally:
        pages.close()


def test_a_value_of_a_dictionary_that_many_rows_share_comes_in_small_batches(tmp_path: Path) -> None:
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array(["a" * 100_000]))
    pq.write_table(pa.table({"text": shared}), tmp_path / "in.parquet")
    found = batches(tmp_path / "in.parquet", "text")
    assert (tmp_path / "in.parquet").stat().st_size < 20_000
    assert {len(batch) for batch in found} == {16}
    assert sum(map(len, found)) == 2000
    assert all(1_600_000 < batch.nbytes < 1_700_000 for batch in found)


def test_small_values_of_a_dictionary_come_in_large_batches(tmp_path: Path) -> None:
    kinds = pa.array(["x", "y"] * 1000).dictionary_encode()
    pq.write_table(pa.table({"kind": kinds}), tmp_path / "in.parquet")
    found = batches(tmp_path / "in.parquet", "kind")
    assert [len(batch) for batch in found] == [1024, 976]
    assert found[0].column(0).to_pylist()[:2] == ["x", "y"]


def test_rows_that_are_too_large_are_an_error_that_names_the_row_group(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a" * (65 << 20)]}), tmp_path / "in.parquet", compression="zstd")
    with pytest.raises(BadInput, match=r"in\.parquet, row group 0: expected rows of at most 64 MB, got some of 65 MB"):
        batches(tmp_path / "in.parquet", "text")


def test_what_needs_too_much_memory_is_an_error_that_names_the_row_group(path: Path) -> None:
    def decoding() -> Iterator[pa.RecordBatch]:
        raise MemoryError
        yield

    pages = Pages("it", str(path), 0)
    assert resource.prlimit(pages.pid, resource.RLIMIT_DATA)[0] == 2 << 30
    pages.close()
    with pytest.raises(BadInput, match=r"in\.parquet, row group 3: expected rows that can be decoded in 2 GB"):
        page_process._next("in.parquet", 3, decoding())
