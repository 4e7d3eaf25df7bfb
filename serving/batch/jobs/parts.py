"""The parts of an output, in the folder `OUT.parts`: each is complete or does not exist.

A part is two files: `.json` with its counts and rejects, and `.rows`, which is written last and shows that both are
complete. Another file for each source says how many parts it has, so that the merge notices missing ones.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from serving.batch.errors import BadInput
from serving.batch.files import files_of
from serving.batch.jobs.chunks import Scored
from serving.batch.jobs.manifest import Manifest, manifest_path
from serving.batch.jobs.row_counts import Statistics
from serving.batch.writers.writer import Writer


@dataclass(frozen=True, order=True)
class Part:
    """The part *number* of a source."""

    source: int
    number: int

    @property
    def name(self) -> str:
        """The beginning of its files' names, which sort in the order of the input."""
        return f"{self.source:06d}-{self.number:08d}"


@dataclass(frozen=True)
class SourceEnd:
    """The number of parts and rows of a source."""

    source: int
    parts: int
    rows: int


class Parts:
    """The parts of *manifest*'s run; those of other runs are ignored."""

    def __init__(self, output: str, manifest: Manifest) -> None:
        self._folder = f"{output}.parts"
        self._run = manifest.run
        self._files = files_of(output)
        self._names = self._list()

    def is_done(self, part: Part) -> bool:
        """Return whether a part is complete."""
        return f"{part.name}.{self._run}.rows" in self._names

    def end(self, source: int) -> SourceEnd | None:
        """Return the end of a source, if it has been reached."""
        name = self._end_name(source)
        return SourceEnd(**self._read_json(name)) if name in self._names else None

    def write(self, part: Part, scored: Iterable[Scored], writer: Writer) -> None:
        """Write a part from the *scored* chunks as they arrive."""
        statistics, rejects = Statistics(), list[dict[str, Any]]()

        def counted() -> Iterator[Any]:
            for chunk in scored:
                statistics.add(chunk.statistics)
                rejects.extend(chunk.rejects)
                yield chunk.piece

        def write(file: BinaryIO) -> None:
            writer.write_part(counted(), file)
            # Before the rows get their name, which shows that both are complete.
            self._put_json(f"{part.name}.{self._run}.json", {"statistics": statistics.to_json(), "rejects": rejects})

        self._put(f"{part.name}.{self._run}.rows", write)

    def write_end(self, end: SourceEnd) -> None:
        """Record that a source was read to its end."""
        if self._end_name(end.source) not in self._names:
            self._put_json(self._end_name(end.source), {"source": end.source, "parts": end.parts, "rows": end.rows})

    def read(self, part: Part) -> tuple[Statistics, list[dict[str, Any]]]:
        """Read the counts and the rejects of a part."""
        document = self._read_json(f"{part.name}.{self._run}.json")
        return Statistics.from_json(document["statistics"]), document["rejects"]

    def opened(self, parts: Iterable[Part]) -> Iterator[BinaryIO]:
        """Yield the open rows of one part after another."""
        for part in parts:
            with self._files.open(self._path(f"{part.name}.{self._run}.rows")) as file:
                yield file

    def done(self) -> list[Part]:
        """List the complete parts, in order."""
        end = f".{self._run}.rows"
        names = sorted(name.removesuffix(end) for name in self._names if name.endswith(end))
        return [Part(*map(int, name.split("-"))) for name in names]

    def refresh(self) -> None:
        """List the files again: other processes may have written some."""
        self._names = self._list()

    def remove(self) -> None:
        """Delete all parts."""
        self._files.remove(self._folder)

    def _list(self) -> set[str]:
        if not self._files.is_folder(self._folder):
            return set()
        return {path.rpartition("/")[2] for path in self._files.below(self._folder)}

    def _end_name(self, source: int) -> str:
        return f"{source:06d}-end.{self._run}.json"

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _put(self, name: str, write: Any) -> None:
        self._files.put(self._path(name), write)
        self._names.add(name)

    def _put_json(self, name: str, document: Any) -> None:
        self._put(name, lambda file: file.write(json.dumps(document, ensure_ascii=False).encode()))

    def _read_json(self, name: str) -> dict[str, Any]:
        with self._files.open(self._path(name)) as file:
            document: dict[str, Any] = json.loads(file.read())
            return document


def restart(output: str) -> None:
    """Discard the run that was started with *output*; a finished output stays until it is replaced. Raises BadInput."""
    files = files_of(output)
    if files.is_folder(output):
        raise BadInput(f"--output {output} is a folder; expected a file")
    for path in (done_path(output), manifest_path(output), f"{output}.parts"):
        files.remove(path)


def done_path(output: str) -> str:
    """Return the path of a run's summary, which exists once the run is finished."""
    return f"{output}.summary.json"


def rejects_path(output: str) -> str:
    """Return the path of the rejected rows."""
    return f"{output}.rejects.jsonl"
