"""Compressed text: the suffixes that say so, and both directions."""

import gzip
import io
import os
from typing import BinaryIO, cast

from serving.batch.extras import extra

SUFFIXES = {".gz": "gz", ".zst": "zst"}
_TAR_GZ = ".tgz"
_GZIP_LEVEL = 6


def split_suffix(name: str) -> tuple[str, str]:
    """Return the suffix that tells the format of *name*, and its compression, if any: `.csv` and `gz`."""
    stem, suffix = os.path.splitext(name)
    if suffix == _TAR_GZ:
        return suffix, "gz"
    compression = SUFFIXES.get(suffix, "")
    return (os.path.splitext(stem)[1], compression) if compression else (suffix, "")


def decompressed(name: str, file: BinaryIO, compression: str) -> BinaryIO:
    """Return a stream of what *file*, called *name*, holds; raises BadInput if a package is missing."""
    if compression == "gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if compression == "zst":
        stream = extra("pyarrow", f"{name}: zst").CompressedInputStream(file, "zstd")
        return cast(BinaryIO, io.BufferedReader(stream, 1 << 20))
    return file


def compressed(data: bytes, compression: str) -> bytes:
    """Compress *data* into a stream of its own: such streams can be concatenated."""
    if not data or not compression:
        return data
    if compression == "gz":
        return gzip.compress(data, _GZIP_LEVEL, mtime=0)
    packed: bytes = extra("pyarrow", ".zst").compress(data, codec="zstd", asbytes=True)
    return packed


def check_installed(compression: str) -> None:
    """Raise BadInput if the package for *compression* is missing."""
    if compression == "zst":
        extra("pyarrow", ".zst")
