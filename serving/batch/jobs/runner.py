"""The run itself: chunks go to the workers, come back in order, and become parts."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from serving.batch.errors import RESUMES, BatchError, Unfinished
from serving.batch.formats import open_source
from serving.batch.inputs.source import Source
from serving.batch.jobs.chunks import Chunk, Scored, Stopping
from serving.batch.jobs.parts import Part, Parts, SourceEnd
from serving.batch.jobs.plan import Event, PartBegin, PartEnd, Passed, Plan, SourceBegin
from serving.batch.jobs.progress import Progress
from serving.batch.jobs.rejects import RejectLimit
from serving.batch.jobs.row_counts import Statistics
from serving.batch.jobs.workers import Submit
from serving.batch.readers.records import Opened
from serving.batch.rows import Columns
from serving.batch.writers.writer import Writer

_AHEAD = 2
"""Chunks that are read ahead, so that no worker waits for the file."""

_CALLS_KEPT = 100_000

Item = PartBegin | PartEnd | Passed | SourceBegin | SourceEnd | Scored


@dataclass
class Run:
    """Carries out *plan*, with at most *max_chunks* at a time; *calls* are the durations of the last calls in seconds.

    *unused* are the columns of the opened sources that no field takes.
    """

    plan: Plan
    columns: Columns
    parts: Parts
    writer: Writer
    limit: RejectLimit
    progress: Progress
    stopping: Stopping
    max_chunks: int
    calls: deque[float] = field(default_factory=lambda: deque(maxlen=_CALLS_KEPT))
    done_before: Statistics = field(default_factory=Statistics)
    unused: dict[str, None] = field(default_factory=dict)

    def run(self, submit: Submit) -> None:
        """Score what is not done yet; raises BatchError."""
        self._count_done()
        items = self._in_order(submit)
        for item in items:
            if isinstance(item, PartBegin):
                self.parts.write(item.part, self._part(item.part, items), self.writer)
            elif isinstance(item, SourceEnd):
                self.parts.write_end(item)
            elif isinstance(item, SourceBegin):
                self.progress.source(item.source.size)
            elif isinstance(item, Passed):
                self.progress.passed(item.position)
        if self.stopping.is_set():
            raise Unfinished(f"stopped: {RESUMES}")

    def _count_done(self) -> None:
        for part in self.parts.done():
            if self.plan.shard.has(part, len(self.plan.sources)):
                self.done_before.add(self.parts.read(part)[0])
        self.limit.add(self.done_before.rejected, "in parts that were finished before")

    def _part(self, part: Part, items: Iterator[Item]) -> Iterator[Scored]:
        for item in items:
            if isinstance(item, PartEnd):
                return
            if isinstance(item, Scored):
                if item.call_seconds:  # none if all rows of the chunk were rejected
                    self.calls.append(item.call_seconds)
                self.progress.scored(item.position, item.statistics)
                yield item
                if item.rejects:
                    last = item.rejects[-1]
                    self.limit.add(len(item.rejects), f"{last['file']}, row {last['row']}: {last['reason']}")

    def _in_order(self, submit: Submit) -> Iterator[Item]:
        """Have chunks scored, several at a time, and yield all results in the order of the plan."""
        waiting: deque[Event | BatchError | Future[Scored]] = deque()
        chunks = 0
        for event in self._events():
            waiting.append(submit(event) if isinstance(event, Chunk) else event)
            chunks += isinstance(event, Chunk)
            while waiting and (chunks > self.max_chunks + _AHEAD or _is_ready(waiting[0])):
                chunks -= isinstance(waiting[0], Future)
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())

    def _events(self) -> Iterator[Event | BatchError]:
        """Yield the work; last comes the error that ends it, if any: it is raised once what was read before is done."""
        try:
            yield from self.plan.events(self.parts, self._open, self.stopping.is_set)
        except BatchError as error:
            yield error

    def _open(self, source: Source) -> Opened:
        opened = open_source(source, self.columns)
        self.unused |= dict.fromkeys(opened.unused)
        return opened


def _is_ready(item: Event | BatchError | Future[Scored]) -> bool:
    return not isinstance(item, Future) or item.done()


def _result(item: "Event | BatchError | Future[Scored]") -> Item:
    if isinstance(item, BatchError):
        raise item
    try:
        result = item.result() if isinstance(item, Future) else item
    except BrokenProcessPool as error:
        raise Unfinished(f"a process was killed, perhaps because memory ran out; {RESUMES}") from error
    assert not isinstance(result, Chunk)  # noqa: S101 - for mypy: chunks were submitted
    return result
