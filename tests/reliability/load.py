"""Closed-loop load: callers that ask one question after the other, and check the value and version of each answer."""

import contextlib
import http.client
import json
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from tests.reliability.versions import MODEL, Truth

CALLERS = 8
TIMEOUT_SECONDS = 30.0
PATIENCE_SECONDS = 60.0
REFUSALS = (429, 503)
_PAUSE_SECONDS = 0.01
"""How long a caller waits after it got no answer, so that it doesn't only count refusals."""


class Caller(Protocol):
    """Sends an instance; returns the status, and the answer or what went wrong instead."""

    def ask(self, instance: Any) -> tuple[int, Mapping[str, Any] | str]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: `right`, `wrong`, `refused` (429 or 503) or `lost` (anything else)."""

    kind: str
    began: float
    ended: float
    told: str = ""


@dataclass(frozen=True)
class Figures:
    """Counts of all requests, the slowest refusal, and from the cause's end to the last request that got no answer."""

    sent: int
    refused: int
    lost: int
    wrong: int
    slowest_refusal: float
    recovery: float


class Load:
    """Asks as long as the block lasts. *calling* makes a caller, *truth* knows the right answers.

    All callers together send at most so many requests *per_second*.
    """

    def __init__(
        self, calling: Callable[[], Caller], truth: Truth, callers: int = CALLERS, per_second: float = math.inf
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._calling = calling
        self._truth = truth
        self._interval = callers / per_second
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(seed,)) for seed in range(callers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, seconds: float) -> None:
        """Let the callers ask for as long."""
        self._stop.wait(seconds)

    def wait_for(self, kind: str, count: int = 20, since: float | None = None) -> None:
        """Let the callers ask until *count* more requests, sent after *since* (by default: now), had this outcome."""
        began = time.monotonic() if since is None else since
        deadline = time.monotonic() + PATIENCE_SECONDS
        while sum(each.kind == kind and each.began >= began for each in self.outcomes) < count:
            assert time.monotonic() < deadline, f"no {count} {kind}: {self.told()}"
            self.go_on(0.02)

    def recovered(self, ended: float, seconds: float = 1.0) -> Figures:
        """Let the callers ask until every answer has been right for *seconds*; the cause ended at *ended*."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            now = time.monotonic()
            after = [each for each in self.outcomes if each.began > max(ended, now - seconds)]
            if now > ended + seconds and len(after) >= 10 and all(each.kind == "right" for each in after):
                return self.figures(ended)
            assert now < deadline, f"no recovery: {self.told()}"
            self.go_on(0.05)

    def figures(self, ended: float) -> Figures:
        """Count what happened until now."""
        outcomes = [*self.outcomes]
        counts = Counter(each.kind for each in outcomes)
        refusals = [each.ended - each.began for each in outcomes if each.kind == "refused"]
        failures = [each.ended for each in outcomes if each.kind != "right"]
        return Figures(
            len(outcomes),
            counts["refused"],
            counts["lost"],
            counts["wrong"],
            max(refusals, default=0.0),
            max(0.0, max(failures, default=ended) - ended),
        )

    def told(self) -> str:
        """Say what happened, for a failed assertion."""
        counts = Counter((each.kind, each.told[:300]) for each in self.outcomes)
        return "\n".join(f"{count} {kind} {told}" for (kind, told), count in counts.most_common(12))

    def _call(self, seed: int) -> None:
        chance, due = random.Random(seed), time.monotonic()
        with contextlib.closing(self._calling()) as caller:
            while not self._stop.is_set():
                instance, began = chance.choice(self._truth.questions), time.monotonic()
                kind, told = self._judged(instance, *caller.ask(instance))
                self.outcomes.append(Outcome(kind, began, time.monotonic(), told))
                due = max(due + self._interval, began)
                pause = max(due - time.monotonic(), _PAUSE_SECONDS if kind != "right" else 0.0)
                if pause > 0:
                    self._stop.wait(pause)

    def _judged(self, instance: Any, status: int, reply: Mapping[str, Any] | str) -> tuple[str, str]:
        if status in REFUSALS:
            return "refused", f"{status} {reply}"
        if status != 200 or isinstance(reply, str):
            return "lost", f"{status} {reply}"
        problem = self._truth.problem(instance, reply)
        return ("wrong", problem) if problem else ("right", "")


class HttpCaller:
    """Keeps one connection to *address*, and never sends anything twice."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=TIMEOUT_SECONDS)

    def ask(self, instance: Any) -> tuple[int, Mapping[str, Any] | str]:
        """Send an instance."""
        try:
            headers = {"Content-Type": "application/json"}
            self._connection.request("POST", f"/predict/{MODEL}", json.dumps(instance), headers)
            reply = self._connection.getresponse()
            told = json.loads(reply.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.close()  # the next request opens another
            return 0, repr(error)
        return reply.status, told if reply.status == 200 else str(told.get("detail"))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
