"""The files that scoring reads and writes, opened with errors that end `plumbline score`."""

from serving.batch.errors import BadInput
from serving.files import Files, UnusableAddress, open_files


def files_of(path: str) -> Files:
    """Return the files that *path* is one of; raises BadInput if its store can't be reached from here."""
    try:
        return open_files(path)
    except UnusableAddress as error:
        raise BadInput(str(error)) from error
