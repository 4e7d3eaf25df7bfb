"""The process that decodes Parquet pages: a damaged one can end it inside the library, and the run goes on without it.

Each line of standard input is a request as JSON, and each line of standard output a reply:

    {"path": ..., "name": ...}          {"columns": [names], "groups": [rows of each]}, for the file that is opened
    {"group": ..., "columns": [names]}  {"batches": true}, a stream of Arrow IPC, {"batches": false}; or only the last

or, at any of these places, {"error": the name of its class, "says": its message}.
"""

import json
import os
import resource
import select
import sys
import threading
from collections.abc import Iterable
from typing import Any, BinaryIO

from serving.batch.arrow.parquet_files import open_parquet
from serving.batch.errors import BadInput
from serving.batch.extras import extra
from serving.batch.files import files_of

ERRORS: dict[str, type[Exception]] = {
    error.__name__: error
    for error in (BadInput, FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, OSError)
}
"""The errors that are told. Others are bugs: they end the process with a stack trace."""

_BATCH_ROWS = 1024
_PROBE_ROWS = 16
_LARGE_ROW_BYTES = 64 << 10
"""Rows that are larger come in batches of the size of the probe: a file of a kilobyte can hold a gigabyte of them."""

_MAX_ROW_BYTES = 64 << 20
MAX_BYTES = 2 << 30
"""Of memory, for pages that are small in the file and large when they are decoded."""

_BUFFER_BYTES = 1 << 20
"""Columns of a large row group are read in pieces of this size."""


def main() -> None:
    """Answer requests until standard input is closed, or the process that sends them is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_BYTES, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb", _BUFFER_BYTES)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints does not get between the replies
    try:
        answer_all(sys.stdin.buffer, replies)
    except BrokenPipeError:
        os._exit(0)


def _end_with_parent() -> None:
    """Exit once nobody holds the other end of standard input, even if a page is being decoded."""
    closed = select.poll()
    closed.register(sys.stdin.fileno(), 0)  # waits for POLLHUP alone
    closed.poll()
    os._exit(0)


def answer_all(requests: Iterable[bytes], replies: BinaryIO) -> None:
    """Answer one request after another."""
    name, file = "", None
    for line in requests:
        request = json.loads(line)
        try:
            if "path" in request:
                if file is not None:
                    file.close(force=True)
                name, file = request["name"], _opened(request["name"], request["path"])
                groups = range(file.metadata.num_row_groups)
                rows = [file.metadata.row_group(group).num_rows for group in groups]
                reply = {"columns": file.schema_arrow.names, "groups": rows}
            else:
                _send_group(name, file, request["group"], request["columns"], replies)
                reply = {"batches": False}
        except (BadInput, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            reply = _told(error)
        _reply(reply, replies)


def _opened(name: str, path: str) -> Any:
    file = files_of(path).open(path)
    try:
        return open_parquet(name, file, buffer_size=_BUFFER_BYTES)
    except BaseException:
        file.close()
        raise


def _send_group(name: str, file: Any, group: int, columns: list[str], replies: BinaryIO) -> None:
    """Send a batch as soon as there is room for it in the pipe. Raises BadInput if the row group is damaged."""
    arrow = extra("pyarrow", "Parquet")
    batches = _batches(name, file, group, columns)
    stream = None
    try:
        while (batch := _next(name, group, batches)) is not None:
            if stream is None:
                _reply({"batches": True}, replies)
                stream = arrow.ipc.new_stream(replies, batch.schema)
            stream.write_batch(batch)
            replies.flush()
    finally:
        if stream is not None:
            stream.close()


def _batches(name: str, file: Any, group: int, columns: list[str]) -> Any:
    def iterate(rows: int) -> Any:
        return file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False)

    probe = _next(name, group, iterate(_PROBE_ROWS))
    is_large = probe is not None and probe.nbytes > _LARGE_ROW_BYTES * len(probe)
    return iterate(_PROBE_ROWS if is_large else _BATCH_ROWS)


def _next(name: str, group: int, batches: Any) -> Any:
    try:
        batch = next(batches, None)
        batch = None if batch is None else _spread(batch)
    except MemoryError as error:
        said = f"expected rows that can be decoded in {MAX_BYTES >> 30} GB of memory"
        raise BadInput(f"{name}, row group {group}: {said}; write the file with smaller row groups") from error
    except (OSError, extra("pyarrow", "Parquet").ArrowException) as error:
        raise BadInput(f"{name} is damaged in row group {group}: {error}") from error
    if batch is not None and batch.nbytes > _MAX_ROW_BYTES * len(batch):
        most, got = _MAX_ROW_BYTES >> 20, batch.nbytes // len(batch) >> 20
        raise BadInput(f"{name}, row group {group}: expected rows of at most {most} MB, got some of {got} MB")
    return batch


def _spread(batch: Any) -> Any:
    """Return *batch* with large values of dictionaries at each of their rows, so that its size is that of its rows."""
    for number, column in enumerate(batch.columns):
        if hasattr(column, "dictionary") and column.dictionary.nbytes > _LARGE_ROW_BYTES:
            batch = batch.set_column(number, batch.schema.names[number], column.dictionary_decode())
    return batch


def _told(error: Exception) -> dict[str, Any]:
    known = next(each.__name__ for each in type(error).__mro__ if each.__name__ in ERRORS)
    return {"error": known, "says": str(error)}


def _reply(reply: dict[str, Any], replies: BinaryIO) -> None:
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()


if __name__ == "__main__":
    main()
