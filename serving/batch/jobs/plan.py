"""The work of a run, in order: chunks to score, parts to close, and the ends of sources."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from serving.batch.inputs.source import Source
from serving.batch.jobs.chunks import Chunk
from serving.batch.jobs.parts import Part, Parts, SourceEnd
from serving.batch.readers.records import Opened


@dataclass(frozen=True)
class PartBegin:
    """What follows belongs to *part*."""

    part: Part


@dataclass(frozen=True)
class PartEnd:
    """The part is complete."""


@dataclass(frozen=True)
class Passed:
    """Rows up to *position* in the source are done, or belong to another shard."""

    position: int


@dataclass(frozen=True)
class SourceBegin:
    """What follows belongs to *source*."""

    source: Source


Event = Chunk | PartBegin | PartEnd | Passed | SourceBegin | SourceEnd


@dataclass(frozen=True)
class Shard:
    """The share *index*, from 0, of *count* shares of the work."""

    index: int = 0
    count: int = 1

    def has(self, part: Part, sources: int) -> bool:
        """Return whether a part belongs to the share, which is made of whole sources if there are enough."""
        number = part.source if sources >= self.count else part.number
        return number % self.count == self.index


WHOLE = Shard()
"""All of the work."""


@dataclass(frozen=True)
class Plan:
    """Sources in parts of *part_rows* rows, and those in chunks of at most *batch_rows*; *limit* rows in all."""

    sources: tuple[Source, ...]
    shard: Shard
    part_rows: int
    batch_rows: int
    limit: int | None

    def events(self, parts: Parts, opened: Callable[[Source], Opened], stopped: Callable[[], bool]) -> Iterator[Event]:
        """Yield the work in order. Once *stopped*, no further part is started."""
        left = self.limit
        for source in self.sources:
            yield SourceBegin(source)
            end = parts.end(source.number)
            if not self._may_have(source) or (end and self._is_done(end, parts)):
                yield Passed(source.size)
            else:
                end = yield from self._source(source, left, parts, opened(source), stopped)
                if end is None:
                    return
                yield end
            if left is not None and end:
                left -= end.rows

    def _may_have(self, source: Source) -> bool:
        """Return whether any part of a source can be in the shard."""
        return len(self.sources) < self.shard.count or self.shard.has(Part(source.number, 0), len(self.sources))

    def _has(self, part: Part) -> bool:
        return self.shard.has(part, len(self.sources))

    def _is_done(self, end: SourceEnd, parts: Parts) -> bool:
        mine = (part for number in range(end.parts) if self._has(part := Part(end.source, number)))
        return all(parts.is_done(part) for part in mine)

    def _source(
        self, source: Source, left: int | None, parts: Parts, opened: Opened, stopped: Callable[[], bool]
    ) -> Generator[Event, None, SourceEnd | None]:
        number = rows = 0
        try:
            while True:
                wanted = self.part_rows if left is None else min(self.part_rows, left - rows)
                if stopped():
                    return None
                part = Part(source.number, number)
                if self._has(part) and not parts.is_done(part):
                    count = yield from self._part(source, part, source.before + rows, wanted, opened)
                else:
                    count = opened.records.skip(wanted)
                    yield Passed(opened.records.position())
                rows += count
                number += bool(count)
                if count < wanted or not wanted:
                    return SourceEnd(source.number, number, rows)
        finally:
            opened.records.close()

    def _part(
        self, source: Source, part: Part, before: int, wanted: int, opened: Opened
    ) -> Generator[Event, None, int]:
        count = 0
        while count < wanted:
            records = opened.records.take(min(self.batch_rows, wanted - count))
            if not len(records):
                break
            if not count:
                yield PartBegin(part)
            yield Chunk(source.name, before + count + 1, records, opened.reader, opened.records.position())
            count += len(records)
        if count:
            yield PartEnd()
        return count
