"""Reading text files, unpacked where they are compressed, some bytes at a time."""

import codecs
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from training.declarations.words import shortened
from training.errors import BadRequest

_PIECE = 1 << 20


@contextlib.contextmanager
def opened_bytes(path: Path) -> Iterator[io.BufferedReader]:
    """Open a file to be read. Raises BadRequest if it can't be, now or later."""
    try:
        with pa.input_stream(str(path)) as stream, io.BufferedReader(stream, _PIECE) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise BadRequest(f"{path}: can't be read: {shortened(error)}") from error


@contextlib.contextmanager
def opened(path: Path, encoding: str) -> Iterator[Iterator[str]]:
    """Open a text, to be read line by line with line ends, without the byte order mark. Raises BadRequest.

    What Unicode counts as line ends besides the usual ones may be in a cell.
    """
    with opened_bytes(path) as file:
        yield io.TextIOWrapper(file, "utf-8-sig" if encoding == "utf-8" else encoding, newline="")


def check_text(path: Path, encoding: str) -> None:
    """Raise BadRequest unless all of the file is text in *encoding*."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with opened_bytes(path) as file:
        while True:
            data = file.read(_PIECE)
            pending = decoder.getstate()[0]
            try:
                decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                line += (pending + data).count(b"\n", 0, error.start)
                found = f"{error.object[error.start]:#x}"
                raise BadRequest(f"{path}, line {line}: expected text in {encoding}, got the byte {found}") from None
            if not data:
                return
            line += data.count(b"\n")


def is_text(path: Path, encoding: str) -> bool:
    """Return whether all of the file is text in *encoding*. Raises BadRequest if it can't be read."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with opened_bytes(path) as file:
        try:
            while data := file.read(_PIECE):
                decoder.decode(data)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True
