"""Parquet files, opened the same way wherever they are read."""

from typing import Any, BinaryIO

from serving.batch.errors import BadInput
from serving.batch.extras import extra

SUFFIXES = (".parquet", ".parq", ".pq")
_SPARK = b"org.apache.spark.version"


def open_parquet(name: str, file: BinaryIO, **options: Any) -> Any:
    """Open *file*, called *name*, as pyarrow's ParquetFile; raises BadInput.

    Pages that have a checksum, as Spark's, are compared with it: what damages one is found before it is decoded.
    """
    parquet, arrow = extra("pyarrow.parquet", f"{name}: Parquet"), extra("pyarrow", "Parquet")
    try:
        metadata = parquet.read_metadata(file)
        # Spark's old timestamps (INT96) are microseconds; as nanoseconds, which end in 2262, 9999-12-31 became 1816.
        unit = "us" if _SPARK in (metadata.metadata or {}) else None
        return parquet.ParquetFile(
            file, metadata=metadata, coerce_int96_timestamp_unit=unit, page_checksum_verification=True, **options
        )
    except arrow.ArrowNotImplementedError as error:
        raise BadInput(f"{name}: this kind of Parquet can't be read here: {error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: expected names of columns in UTF-8, got {error.object[:60]!r}") from error
    except (OSError, arrow.ArrowException) as error:
        raise BadInput(f"{name}: not a Parquet file: {error}") from error
