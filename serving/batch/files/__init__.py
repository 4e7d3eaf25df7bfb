"""Files on this machine and, through fsspec, in object stores: the few operations that scoring needs of both.

What is written appears under its name whole: by a rename here, by the end of the upload in a store.
"""

from serving.batch.errors import BadInput
from serving.batch.extras import extra
from serving.batch.files.files import Files
from serving.batch.files.local import LocalFiles
from serving.batch.files.remote import RemoteFiles
from serving.process.masking import has_password, masked


def files_of(path: str) -> Files:
    """Return the files that *path* is one of; raises BadInput if its store can't be reached from here."""
    scheme, separator, _ = path.partition("://")
    if not separator:
        return LocalFiles()
    if has_password(path):  # names of files are written into answers, reports and logs
        raise BadInput(f"{masked(path)}: expected an address without user and password; {scheme}'s settings take them")
    fsspec = extra("fsspec", f"{scheme}://")
    try:
        return RemoteFiles(fsspec.filesystem(scheme))
    except (ImportError, ValueError) as error:
        raise BadInput(f"{path}: {error}") from error


__all__ = ["Files", "files_of"]
