"""Takes feedback from many threads, and returns once it is durable: all that waits at a time is synced together."""

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from serving.errors import FeedbackUnavailable, Overloaded
from serving.truth.feedback import Feedback
from serving.truth.store import Store

MOST_CALLS = 16
"""How many may wait at a time in a process: each holds one of the threads that answer requests."""

_TIDY_SECONDS = 1.0
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Call:
    model: str
    lines: bytes
    done: threading.Event = field(default_factory=threading.Event)
    problem: str = ""


class FeedbackLog:
    """Keeps feedback in *store*, by a thread of its own, which starts here: make it after any fork."""

    def __init__(self, store: Store, most_calls: int = MOST_CALLS) -> None:
        self._store = store
        self._most_calls = most_calls
        self._calls: list[_Call] = []
        self._waiting = 0
        self._closed = False
        self._told = ""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return self._waiting

    def add(self, model: str, feedback: Sequence[Feedback], seconds: float) -> None:
        """Keep *feedback* of *model*, and return once it is durable.

        Raise Overloaded, or FeedbackUnavailable: then it may have been kept or not, and can be given again.
        """
        call = _Call(model, b"".join(it.to_json() + b"\n" for it in feedback))
        self._begin(call)
        try:
            if not call.done.wait(seconds):
                raise FeedbackUnavailable(model, f"the disk or store of CAPTURE took longer than {seconds:.3g} s")
        finally:
            with self._changed:
                self._waiting -= 1
        if call.problem:
            raise FeedbackUnavailable(model, call.problem)

    def close(self) -> None:
        """Keep what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _begin(self, call: _Call) -> None:
        with self._changed:
            if self._waiting >= self._most_calls:
                raise Overloaded(call.model, self._waiting)
            if self._closed:
                raise FeedbackUnavailable(call.model, "the gateway is ending")
            self._waiting += 1
            self._calls.append(call)
            self._changed.notify()

    def _run(self) -> None:
        closed = False
        while not closed:
            self._tidy()
            with self._changed:
                self._changed.wait_for(lambda: self._calls or self._closed, _TIDY_SECONDS)
                calls, self._calls = self._calls, []
                closed = self._closed
            if calls:
                self._keep(calls)
        self._tidy(at_end=True)

    def _keep(self, calls: Sequence[_Call]) -> None:
        lines: defaultdict[str, bytes] = defaultdict(bytes)
        for call in calls:
            lines[call.model] += call.lines
        told = ""
        try:
            self._store.keep(lines)
        except Exception as error:  # a store's package may raise what it likes; nobody must wait for ever
            told = str(error)
        if told and told != self._told:  # once, not for each call
            _log.warning("feedback is refused: %s", told)
        self._told = told
        for call in calls:
            call.problem = "the disk or store of CAPTURE fails" if told else ""
            call.done.set()

    def _tidy(self, at_end: bool = False) -> None:
        try:
            self._store.tidy(at_end)
        except OSError as error:
            _log.warning("feedback stays in its journal for now: %s", error)
