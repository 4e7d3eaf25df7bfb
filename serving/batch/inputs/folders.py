"""Which files of a folder or an archive are read, and which are passed over, by their names.

A file is hidden if its name, or that of a folder on the way, begins with a dot, or if macOS added it to an archive. So
are, in a table's folder, the files that Spark and Hive keep next to the rows, such as `_SUCCESS` and `_metadata`.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from serving.batch import compression
from serving.batch.arrow import parquet_files
from serving.batch.errors import BadInput
from serving.batch.files import files_of
from serving.batch.inputs.names import as_utf8
from serving.captures.parts import FEEDBACK

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp", ".mpo"),
    *(".png", ".apng"),
    *(".webp", ".gif"),
)
"""The suffixes of the image formats that a contract decodes."""

HIDDEN = "hidden"
LINK = "link"
SPECIAL = "special"

_LOGS = {
    "Delta Lake": re.compile(r"(^|/)_delta_log/"),
    "Hudi": re.compile(r"(^|/)\.hoodie/"),
    "Iceberg": re.compile(r"(^|/)metadata/[^/]*\.metadata\.json$"),
}
"""Files that identify tables with a log, which says which of their data files are still valid."""

_LINES = (".jsonl", ".ndjson")
_PARQUET_BEGINS = b"PAR1"
_KINDS_SHOWN = 20


@dataclass(frozen=True)
class Contents:
    """The *files* of a folder that are read, of one *format* ("folder" for images), and the others counted by kind."""

    format: str
    files: tuple[str, ...]
    passed_over: Counter[str]


def look_into(folder: str, format: str | None, outputs: Iterable[str]) -> Contents:
    """Choose what is read of *folder*: its images, or else its Parquet files, which *format* "parquet" prefers.

    If it has neither, its JSON lines are read, such as captures. Files that a run with *outputs* writes there are
    ignored. Raises BadInput if there is nothing of all this.
    """
    there = [name for name in _names(folder) if not _is_of(_join(folder, name), outputs)]
    names = [name for name in there if not is_special(_join(folder, name))]
    images = [name for name in names if is_image(name)]
    passed_over = Counter({SPECIAL: len(there) - len(names)})
    if not names or (format != "parquet" and (images or format == "folder")):
        return _contents("folder", folder, names, images, passed_over)
    _check_log(folder, names)
    tables = [name for name in names if not _is_not_data(name) and _is_parquet(folder, name)]
    lines = [name for name in names if not tables and _is_lines(name)]
    if lines:
        return _contents("jsonl", folder, names, lines, passed_over)
    if not tables:
        found = in_words(fewer(kinds(names) + passed_over))
        raise BadInput(
            f"{folder}: expected a folder of images ({', '.join(IMAGE_SUFFIXES)}), of Parquet files or of JSON lines, "
            f"found {found}; name files of other kinds one by one, or by a pattern such as 'folder/*.csv'"
        )
    return _contents("parquet", folder, names, tables, passed_over)


def images_in(folder: str) -> list[str]:
    """List the images in a folder, by their suffixes, in the order of their paths."""
    paths = [_join(folder, name) for name in _names(folder) if is_image(name)]
    return [path for path in paths if not is_special(path)]


def is_special(path: str) -> bool:
    """Return whether *path* is a pipe, a socket or a device: within a folder these are no files with rows."""
    return files_of(path).is_special(path)


def is_image(name: str) -> bool:
    """Return whether *name*, a path below the folder or in the archive, is that of an image."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not is_hidden(name)


def is_hidden(name: str) -> bool:
    """Return whether a file, or a folder on the way to it, is hidden."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/") if part not in (".", ".."))


def is_mark(name: str) -> bool:
    """Return whether a file is a marker without rows that Spark or Hive leaves, such as `_SUCCESS`."""
    return _is_not_data(name) and not os.path.splitext(name)[1]


def kinds(names: Iterable[str]) -> Counter[str]:
    """Count *names* by kind: hidden, or the suffix."""
    return Counter(map(_kind, names))


def fewer(counts: Counter[str]) -> dict[str, int]:
    """Return the most frequent kinds, and the others counted together."""
    shown = dict(counts.most_common(_KINDS_SHOWN))
    others = counts.total() - sum(shown.values())
    return shown | ({"others": others} if others else {})


def in_words(counts: Mapping[str, int]) -> str:
    """Return counts as text: `3 .heic, 1 hidden`."""
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())


def _contents(
    format: str, folder: str, names: Sequence[str], chosen: Sequence[str], passed_over: Counter[str]
) -> Contents:
    left = set(chosen)
    files = tuple(_join(folder, name) for name in chosen)
    return Contents(format, files, kinds(name for name in names if name not in left) + passed_over)


def _names(folder: str) -> list[str]:
    """List the files below *folder*, as paths relative to it."""
    return [path[len(folder.rstrip("/")) :].lstrip("/") for path in files_of(folder).below(folder)]


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _check_log(folder: str, names: Iterable[str]) -> None:
    for name in names:
        for kind, log in _LOGS.items():
            if log.search(name):
                raise BadInput(
                    f"{folder}: a {kind} table, whose files may hold rows that were deleted (see {name}); "
                    "write its rows to plain Parquet first, and score that"
                )


def _is_of(path: str, outputs: Iterable[str]) -> bool:
    """Return whether a run writes *path*: an output, or its name with a further suffix."""
    plain = os.path.normpath(path)
    return any(plain == output or plain.startswith(f"{output}.") for output in map(os.path.normpath, outputs))


def _is_not_data(name: str) -> bool:
    return is_hidden(name) or any(part.startswith("_") and "=" not in part for part in name.split("/"))


def _is_parquet(folder: str, name: str) -> bool:
    """Decide by the suffix, or by the first bytes of a file without one: Hive names its files `000000_0`."""
    if os.path.splitext(name)[1]:
        return name.lower().endswith(parquet_files.SUFFIXES)
    path = _join(folder, name)
    with files_of(path).open(path) as file:
        return file.read(len(_PARQUET_BEGINS)) == _PARQUET_BEGINS


def _is_lines(name: str) -> bool:
    """Return whether a file has rows as JSON lines; feedback has none, which stands beside captures."""
    suffix, _ = compression.split_suffix(name.lower())
    return suffix in _LINES and not _is_not_data(name) and FEEDBACK not in name.split("/")


def _kind(name: str) -> str:
    if is_hidden(name) or is_mark(name):
        return HIDDEN
    return as_utf8(os.path.splitext(name)[1].lower()) or "without a suffix"
