"""`rows.parquet` in the folder of a run's report: its test rows."""

import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from training.experiments.record import RunRecord
from training.report.exhibits import Exhibit, Thumbnail
from training.runs.errors import UnreadableRun
from training.runs.rows import MOST_ROWS, MOST_SCORES, Answered, Rows, document, rows_of

FILE = "rows.parquet"
_MOST_BYTES = 256 << 20
"""No file that a run writes is larger, nor what it holds."""
_PICTURE = "data:image/"


def write_rows(record: RunRecord, folder: Path) -> None:
    """Write the test rows of a run to *folder*."""
    rows = rows_of(record)
    columns: dict[str, Any] = {"row": rows.numbers.astype(np.int64), "digest": list(rows.digests)}
    for head, answered in rows.heads.items():
        columns[_name("target", head)] = _column(answered.targets)
        columns[_name("scores", head)] = _column(answered.scores.astype(np.float32))
    shown = [document(rows.shown[place]) if place in rows.shown else None for place in range(len(rows))]
    table = pa.table({**columns, "instance": pa.array(shown, pa.string())})
    pyarrow.parquet.write_table(table, folder / FILE, compression="zstd", write_page_checksum=True)


def read_rows(folder: Path) -> Rows | None:
    """Return the test rows of the run in *folder*, None if it has stored none. Raises UnreadableRun."""
    path = folder / FILE
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableRun(path, str(error.strerror)) from error
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
        raise UnreadableRun(path, "expected a file")
    if found.st_size > _MOST_BYTES:
        raise UnreadableRun(path, f"it has {found.st_size:,} bytes, more than any run writes")
    try:
        return _read(path)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise UnreadableRun(path, f"expected the test rows of a run: {' '.join(str(error).split())[:200]}") from error


def _read(path: Path) -> Rows:
    with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
        if file.metadata.num_rows > MOST_ROWS:
            raise ValueError(f"found {file.metadata.num_rows:,} rows, more than any run writes")
        groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
        if (size := sum(group.total_byte_size for group in groups)) > _MOST_BYTES:
            raise ValueError(f"found {size:,} bytes, more than any run writes")
        table = file.read(use_threads=False).combine_chunks()
    names = [name.removeprefix("scores").strip() for name in table.column_names if name.startswith("scores")]
    heads = {
        head: Answered(_values(table, _name("target", head)), _values(table, _name("scores", head))) for head in names
    }
    numbers = _values(table, "row")
    if not heads or numbers.dtype.kind != "i" or not pa.types.is_string(table.column("digest").type):
        raise ValueError("found no scores, or rows without a whole number and a digest")
    shown = enumerate(table.column("instance").to_pylist())
    return Rows(
        numbers,
        table.column("digest").to_pylist(),
        heads,
        {place: _exhibit(json.loads(text)) for place, text in shown if text is not None},
    )


def _name(kind: str, head: str) -> str:
    return f"{kind} {head}" if head else kind


def _column(values: np.ndarray) -> Any:
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return flat if values.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _values(table: Any, name: str) -> np.ndarray:
    column = table.column(name)
    is_list = pa.types.is_fixed_size_list(column.type)
    kind = column.type.value_type if is_list else column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise ValueError(f"{name}: found {column.type}, expected numbers")
    if not is_list:
        return np.asarray(column.to_numpy())
    width = column.type.list_size
    if width * len(column) > MOST_SCORES:
        raise ValueError(f"{name}: found {width} numbers in each of {len(column)} rows, more than any run writes")
    flat = column.combine_chunks().flatten()
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(column), width)


def _exhibit(read: Any) -> Exhibit:
    for facts in (read["texts"], read["fields"]):
        if not isinstance(facts, dict) or not all(isinstance(fact, str) for fact in facts.values()):
            raise ValueError("instance: found no texts by field")
    pictures = (Thumbnail(**each) for each in read["images"])
    return Exhibit(read["texts"], read["fields"], tuple(each for each in pictures if each.uri.startswith(_PICTURE)))
