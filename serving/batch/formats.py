"""From a source's bytes to rows: a module for each kind of file.

Records come off the file one after another, as little worked on as can be, and are cheap to pass over. What makes rows
of them is a small value that travels with them to a thread or process.
"""

from collections import Counter

from serving.batch.inputs.finding import Inputs, Source
from serving.batch.inputs.folders import fewer
from serving.batch.readers.csv_rows import csv_records
from serving.batch.readers.jsonl_rows import jsonl_records, parquet_records
from serving.batch.readers.pictures import folder_records, passed_over, tar_records, zip_records
from serving.batch.readers.records import Opened
from serving.batch.rows import Columns

_OPENERS = {
    "csv": csv_records,
    "tsv": csv_records,
    "jsonl": jsonl_records,
    "parquet": parquet_records,
    "zip": zip_records,
    "tar": tar_records,
    "folder": folder_records,
}
_ARCHIVES = ("zip", "tar")


def open_source(source: Source, columns: Columns) -> Opened:
    """Open *source* at its first row; raises BadInput if it can't hold what *columns* asks for."""
    return _OPENERS[source.format](source, columns)


def all_passed_over(inputs: Inputs) -> dict[str, int]:
    """Count by their kind the files of folders and archives that are not read; raises BadInput if none is."""
    counts = Counter(inputs.passed_over)
    for source in inputs.sources:
        if source.format in _ARCHIVES:
            counts += passed_over(source)
    return fewer(counts)


__all__ = ["Opened", "all_passed_over", "open_source"]
