"""Checks by its first bytes that a file is UTF-8 text, before a row is read."""

import codecs
import io
from typing import Any, BinaryIO, cast

from serving.batch.errors import BadInput
from serving.batch.readers.records import explaining_damage

_BEGINNINGS = {
    b"\x1f\x8b": "gzip: let its name end in .gz, too",
    b"\x28\xb5\x2f\xfd": "zstd: let its name end in .zst, too",
    b"PK\x03\x04": "a zip archive or a spreadsheet: unpack it, or save it as CSV",
    b"PAR1": "Parquet: let its name end in .parquet, or use --format parquet",
    codecs.BOM_UTF16_LE: "UTF-16: use --encoding utf-16 for CSV, or convert it with iconv -f UTF-16 -t UTF-8",
    codecs.BOM_UTF16_BE: "UTF-16: use --encoding utf-16 for CSV, or convert it with iconv -f UTF-16 -t UTF-8",
}
_PEEKED = 1024


def checked_text(name: str, stream: BinaryIO) -> BinaryIO:
    """Return *stream* at its beginning, after the byte order mark of UTF-8 if it has one; raises BadInput."""
    peekable: Any = stream if hasattr(stream, "peek") else io.BufferedReader(cast(io.RawIOBase, stream))
    with explaining_damage(name):
        first = peekable.peek(_PEEKED)[:_PEEKED]
    for beginning, what in _BEGINNINGS.items():
        if first.startswith(beginning):
            raise BadInput(f"{name}: expected text in UTF-8, got {what}")
    if b"\0" in first:
        raise BadInput(f"{name}: expected text in UTF-8, got zero bytes, as in UTF-16 or in a file that is not text")
    if first.startswith(codecs.BOM_UTF8):
        peekable.read(len(codecs.BOM_UTF8))
    return cast(BinaryIO, peekable)


def printable(text: str) -> str:
    """Return *text* with control and other unprintable characters escaped."""
    return "".join(it if it.isprintable() else it.encode("unicode_escape", "surrogatepass").decode() for it in text)
