"""Files on this machine and, through fsspec, in object stores: the few operations that scoring and captures need.

What is written appears under its name whole: by a rename here, by the end of the upload in a store.
"""

from importlib import import_module

from serving.files.errors import UnusableAddress
from serving.files.files import Files
from serving.files.local import LocalFiles
from serving.files.remote import RemoteFiles
from serving.process.masking import has_password, masked


def open_files(path: str) -> Files:
    """Return the files that *path* is one of; raises UnusableAddress if its store can't be reached from here."""
    scheme, separator, _ = path.partition("://")
    if not separator:
        return LocalFiles()
    if has_password(path):  # names of files are written into answers, reports and logs
        raise UnusableAddress(
            f"{masked(path)}: expected an address without user and password; {scheme}'s settings take them"
        )
    try:
        fsspec = import_module("fsspec")
    except ImportError as error:
        needs = f"{scheme}:// needs fsspec, which is not installed: pip install 'plumbline[batch]'"
        raise UnusableAddress(needs) from error
    try:
        return RemoteFiles(fsspec.filesystem(scheme))
    except (ImportError, ValueError) as error:
        raise UnusableAddress(f"{path}: {error}") from error


__all__ = ["Files", "UnusableAddress", "open_files"]
