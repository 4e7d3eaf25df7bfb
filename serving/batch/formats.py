"""The formats: adding one takes a module and a line in this table.

Reading, writing, the choices of `--format` and the texts of errors and help are made from it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from serving.batch import compression
from serving.batch.arrow import parquet_files
from serving.batch.errors import BadInput
from serving.batch.inputs.folders import fewer, images_in
from serving.batch.inputs.names import as_utf8
from serving.batch.inputs.source import Inputs, Source
from serving.batch.readers.csv_rows import csv_records
from serving.batch.readers.image_archives import tar_passed_over, tar_records, zip_passed_over, zip_records
from serving.batch.readers.images import folder_records
from serving.batch.readers.jsonl_rows import jsonl_records
from serving.batch.readers.parquet_rows import parquet_records, row_groups
from serving.batch.readers.records import Opened
from serving.batch.rows import Columns
from serving.batch.writers.csv_output import CsvWriter
from serving.batch.writers.jsonl_output import JsonlWriter
from serving.batch.writers.parquet_output import ParquetWriter
from serving.batch.writers.writer import ROW_ID, TRAILING, Answer, Writer


@dataclass(frozen=True)
class Format:
    """How files of one kind are recognised, read and written.

    Their names end in one of *suffixes*, an output's in the first. *is_text* says that they may be compressed,
    *has_path_columns* that folders on the way to a file may be columns of it. *divide* splits a file into sources,
    *files* lists the files that a path stands for, and *passed_over* counts the members that are not read.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: Callable[[Source, Columns], Opened]
    writer: Callable[[tuple[str, ...], str, Answer, tuple[str, int, str], str], Writer] | None = None
    is_text: bool = False
    has_path_columns: bool = False
    divide: Callable[[Source], list[Source]] = lambda source: [source]
    files: Callable[[str], list[str]] = lambda path: [path]
    passed_over: Callable[[Source], Counter[str]] = lambda source: Counter()


_TABLE = (
    Format("csv", (".csv",), csv_records, CsvWriter, is_text=True),
    Format("tsv", (".tsv",), partial(csv_records, usual="\t"), is_text=True),
    Format("jsonl", (".jsonl", ".ndjson"), jsonl_records, JsonlWriter, is_text=True),
    Format(
        *("parquet", parquet_files.SUFFIXES, parquet_records, ParquetWriter), has_path_columns=True, divide=row_groups
    ),
    Format("zip", (".zip",), zip_records, passed_over=zip_passed_over),
    Format("tar", (".tar", ".tgz"), tar_records, passed_over=tar_passed_over),
    Format("folder", (), folder_records, files=images_in),
)
FORMATS = {format.name: format for format in _TABLE}

_WRITTEN = {format.suffixes[0]: format for format in _TABLE if format.writer}
_COMPRESSED = " or ".join(compression.SUFFIXES)

READABLE = ", ".join(format.suffixes[0] for format in _TABLE if format.suffixes)
"""The suffixes of inputs, for help texts."""
WRITABLE = (
    ", ".join(suffix for suffix, format in _WRITTEN.items() if format.is_text)
    + f" (also with {_COMPRESSED}) or "
    + ", ".join(suffix for suffix, format in _WRITTEN.items() if not format.is_text)
)
"""The suffixes of outputs, for help texts and errors."""


def format_of(name: str, format: str | None) -> tuple[str, str]:
    """Return the format of a file, by its *name* unless *format* is given, and its compression; raises BadInput."""
    suffix, packed = compression.split_suffix(name.lower())
    named = {suffix: format.name for format in FORMATS.values() for suffix in format.suffixes}
    if format is None and suffix not in named:
        known = f"{', '.join(named)} (and {_COMPRESSED})"
        raise BadInput(f"{name}: expected a file that ends in {known}; name the format of another with --format")
    return format or named[suffix], packed


def open_source(source: Source, columns: Columns) -> Opened:
    """Open *source* at its first row; raises BadInput if it can't hold the *columns*."""
    return FORMATS[source.format].reader(source, columns)


def files_in(source: Source) -> list[str]:
    """List the files that *source* is read from."""
    return FORMATS[source.format].files(source.path)


def all_passed_over(inputs: Inputs) -> dict[str, int]:
    """Count by their kind the files of folders and archives that are not read; raises BadInput if none is."""
    counts = Counter(inputs.passed_over)
    for source in inputs.sources:
        counts += FORMATS[source.format].passed_over(source)
    return fewer(counts)


def make_writer(
    output: str, answer: Answer, keep: tuple[str, ...], types: str, constants: tuple[str, int, str]
) -> Writer:
    """Choose the writer by the name of *output*; *types* has the Parquet types of *keep*, or nothing.

    Raises BadInput.
    """
    if as_utf8(output) != output:
        raise BadInput(f"--output {as_utf8(output)}: expected a name in UTF-8")
    taken = set(keep) & {ROW_ID, *(name for name, _ in answer), *TRAILING}
    if taken:
        raise BadInput(f"--keep {min(taken)}: the output has a column of that name")
    suffix, packed = compression.split_suffix(output)
    format = _WRITTEN.get(suffix)
    if format is None or format.writer is None or (packed and not format.is_text):
        raise BadInput(f"--output {output}: expected {WRITABLE} at its end")
    compression.check_installed(packed)
    return format.writer(keep, types, answer, constants, packed)
