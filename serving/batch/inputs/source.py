"""What is read: sources one after another, and the files that they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.batch.inputs.partitions import Value


@dataclass(frozen=True)
class Source:
    """A stretch of rows that is read in one go: a file, a folder of images, or one row group of a Parquet file.

    *name* is the file's name in row ids and messages, *path* is where it is read. *before* is the number of rows that
    precede it in the same file, *size* its share of the file's bytes. *keys* are the columns in the file's path.
    """

    number: int
    name: str
    path: str
    format: str
    compression: str
    size: int
    row_group: int = 0
    before: int = 0
    keys: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """All sources in their order, and the fingerprint of each file by its name.

    *passed_over* counts the files in folders that are not read, by their kind.
    """

    sources: tuple[Source, ...]
    fingerprints: dict[str, str]
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of all sources."""
        return sum(source.size for source in self.sources)
