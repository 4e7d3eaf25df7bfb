"""Raises one canary's share, step by step, until it is the stable version, or worse."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from serving.canary.evidence import Decision, Evidence, Kind, Seen
from serving.canary.judge import judge
from serving.canary.settings import Plan, Settings
from serving.catalog.weights import InvalidWeights, Lines, Share
from serving.process.exit_codes import ExitCode
from serving.rollout.audit import AuditLog
from serving.rollout.errors import ChangedByOthers, NoEvidence, WeightsUnavailable
from serving.rollout.looking import Looks, Truth, earlier
from serving.rollout.sources import Source
from serving.rollout.weighing import Weighing

_T = TypeVar("_T")

_AGAIN_SECONDS = 1.0
"""How soon a weight that could not be written is written again."""
_ATTEMPTS_ONCE_STOPPED = 10


@dataclass(frozen=True)
class Pace:
    """Look *every* so many seconds, and give up after *give_up* without news of the canary.

    *is_withdrawn* says whether the canary gets nothing any more once the command is stopped.
    """

    every: float
    give_up: float
    is_withdrawn: bool


class _Ended(Exception):
    """The canary ends undecided; *is_stopped* if somebody stopped the command."""

    def __init__(self, why: str, is_stopped: bool = False) -> None:
        super().__init__(why)
        self.is_stopped = is_stopped


class CanaryRun:
    """Raises the canary of *weighing* by *plan*. *say* is told each decision in a sentence, *stop* ends it."""

    def __init__(
        self,
        weighing: Weighing,
        plan: Plan,
        pace: Pace,
        source: Source,
        truth: Truth,
        audit: AuditLog,
        say: Callable[[str], None],
        stop: threading.Event,
        settings: Settings | None = None,
    ) -> None:
        self._weighing = weighing
        self._plan = plan
        self._pace = pace
        self._source = source
        self._truth = truth
        self._audit = audit
        self._say = say
        self._stop = stop
        self._settings = settings
        self._news = time.monotonic()
        self._stable: Seen | None = None  # what it did in the last step in which both answered

    def run(self, lines: Lines) -> ExitCode:
        """Begin, or go on where the document's *lines* say that an earlier command was. Return the exit code."""
        try:
            return self._run(lines)
        except WeightsUnavailable as error:
            percent = self._weighing.percent or 0
            self._tell("kept", f"the command was stopped; the share of {percent:g} % stays until it ends: {error}")
            return ExitCode.RETRY

    def _run(self, lines: Lines) -> ExitCode:
        try:
            step, since = self._place(lines.shares.get(self._weighing.version))
            for number in range(step, len(self._plan.percents)):
                looks = self._begun(number, since)
                since = None
                decision = self._decided(number, looks)
                if decision.kind is Kind.ROLL_BACK:
                    return self._rolled_back(decision, looks.taken[-1])
                self._stable = looks.taken[-1].stable
                self._audit.write("passed", self._plan.percents[number], decision.why, looks.taken[-1])
            self._persist(self._weighing.finish)
            self._tell("done", f"version {self._weighing.version} is the stable one now")
            return ExitCode.DONE
        except _Ended as ended:
            return self._ended(ended)
        except (ChangedByOthers, InvalidWeights) as error:
            self._tell("left", f"{error}; it is left so")
            return ExitCode.BAD_INPUT

    def _place(self, share: Share | None) -> tuple[int, datetime | None]:
        """Return the step to go on with, and when it began, or None if it has to begin anew."""
        if share is None or share.percent not in self._plan.percents:
            if share:
                self._weighing.go_on(share)
            return 0, None
        self._weighing.go_on(share)
        step = self._plan.percents.index(share.percent)
        is_over = share.until is not None and datetime.now(UTC) >= share.until
        if is_over or share.since is None or not self._source.looks_back:
            # A step that the canary has for itself is compared with the one before.
            step -= step > 0 and self._plan.is_alone(step) and not self._source.looks_back
            return step, None
        self._tell("resumed", f"step {share.percent:g} % goes on, which began at {share.since:%H:%M:%S} UTC")
        return step, share.since

    def _begun(self, step: int, since: datetime | None) -> Looks:
        """Begin a step, or take the looks since then again."""
        percent = self._plan.percents[step]
        began = since or datetime.now(UTC)
        first = self._repeated(lambda: self._source.read(since))
        alone = None
        if self._plan.is_alone(step) and step > 0:
            before = began - timedelta(seconds=self._plan.hold)
            version = self._weighing.stable
            alone = self._stable or self._repeated(lambda: earlier(self._source, version, before, began))
        looks = Looks(self._source, self._weighing.version, self._weighing.stable, self._truth, began, first, alone)
        self._repeated(lambda: self._weighing.give(percent, began))
        if since:
            self._repeated(lambda: looks.catch_up(self._pace.every, self._stop))
        else:
            self._tell("step", f"version {self._weighing.version} gets {percent:g} % of the requests")
        self._news = time.monotonic()
        return looks

    def _decided(self, step: int, looks: Looks) -> Decision:
        """Look and judge until a step is over."""
        while True:
            if self._stop.wait(self._pace.every):
                raise _Ended("the command was stopped", is_stopped=True)
            had = looks.taken[-1].canary.requests if looks.taken else 0.0
            try:
                self._weighing.renew()
                looks.take()
            except (NoEvidence, WeightsUnavailable) as error:
                self._wait_or_give_up(f"nothing is decided: {error}")
                continue
            decision = judge(looks.taken, self._plan, step, self._settings)
            self._say(decision.why)
            if decision.kind is not Kind.WAIT:
                return decision
            if looks.taken[-1].canary.requests > had:
                self._news = time.monotonic()
            else:
                given = f"the canary had no request since the last look; gateways give it {looks.given:g} %"
                self._wait_or_give_up(given)

    def _rolled_back(self, decision: Decision, evidence: Evidence) -> ExitCode:
        percent = self._weighing.percent or 0.0
        self._persist(lambda: self._weighing.refuse(decision.why))
        self._tell("rolled back", f"version {self._weighing.version} is refused: {decision.why}", percent, evidence)
        return ExitCode.ROLLED_BACK

    def _ended(self, ended: _Ended) -> ExitCode:
        if ended.is_stopped and not self._pace.is_withdrawn:
            percent = self._weighing.percent or 0
            self._tell("kept", f"{ended}; the share of {percent:g} % stays until its time is over")
        elif self._weighing.percent is not None:
            self._persist(self._weighing.withdraw)
            self._tell("withdrawn", f"{ended}; the canary gets nothing any more, and is not refused")
        else:
            self._tell("ended", f"{ended}; the canary was given nothing")
        return ExitCode.RETRY

    def _repeated(self, action: Callable[[], _T]) -> _T:
        """Return what *action* returns, once it is possible."""
        while True:
            try:
                return action()
            except (NoEvidence, WeightsUnavailable) as error:
                self._wait_or_give_up(f"waits: {error}")
            if self._stop.wait(_AGAIN_SECONDS):
                raise _Ended("the command was stopped", is_stopped=True)

    def _persist(self, write: Callable[[], None]) -> None:
        """Write what has to be written, as long as it takes: the share ends by itself after its time.

        Raise WeightsUnavailable if that fails some times after the command was stopped.
        """
        left = _ATTEMPTS_ONCE_STOPPED
        while True:
            try:
                return write()
            except WeightsUnavailable as error:
                left -= self._stop.is_set()
                if not left:
                    raise
                self._say(f"tries again: {error}")
                time.sleep(_AGAIN_SECONDS)

    def _wait_or_give_up(self, why: str) -> None:
        self._say(why)
        if time.monotonic() - self._news > self._pace.give_up:
            raise _Ended(f"no news of the canary for {self._pace.give_up:g} s ({why})")

    def _tell(self, what: str, why: str, percent: float | None = None, evidence: Evidence | None = None) -> None:
        self._say(why)
        self._audit.write(what, self._weighing.percent or 0.0 if percent is None else percent, why, evidence)
