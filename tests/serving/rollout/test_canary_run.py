"""The way of a canary, with a source that tells what the test says, and without waiting."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.canary.evidence import Decision, Evidence, Kind
from serving.canary.settings import Plan
from serving.catalog.weights import parse
from serving.process.exit_codes import ExitCode
from serving.rollout import canary_run, looking
from serving.rollout.audit import AuditLog
from serving.rollout.canary_run import CanaryRun, Pace
from serving.rollout.errors import NoEvidence
from serving.rollout.looking import Known
from serving.rollout.readings import Reading, Series
from serving.rollout.weighing import Weighing
from serving.rollout.weights_place import WeightsInFile

PLAN = Plan((1.0, 50.0, 100.0), hold=60)


class Source:
    """Each reading has ten more requests of each version, unless *silent*, or *failing*."""

    def __init__(self, looks_back: bool = False) -> None:
        self.looks_back = looks_back
        self.failing = False
        self.silent = False
        self.asked: list[datetime | None] = []

    def read(self, at: datetime | None = None) -> Reading:
        self.asked.append(at)
        if self.failing:
            raise NoEvidence("no answer")
        count = 0 if self.silent else 10 * len(self.asked)
        return {
            Series.of("plumbline_gateway_requests_total", {"version": version, "code": "200"}): count
            for version in ("4", "5")
        }


class Bench:
    """Runs canaries on a document; *judge* says what is decided, by the step and the number of looks."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.document = folder / "weights"
        self.document.write_text("sentiment=4\n")
        self.audit = folder / "audit"
        self.source = Source()
        self.said: list[str] = []
        self.judged: list[tuple[float, Evidence]] = []
        self.judge: Callable[[int, int], Kind] = lambda step, looks: Kind.ADVANCE
        self.stop = threading.Event()
        self.give_up = 1000.0
        self.on_exit_withdraws = False
        monkeypatch.setattr(canary_run, "judge", self._judge)
        monkeypatch.setattr(canary_run, "_AGAIN_SECONDS", 0.001)

    def _judge(self, looks: list[Evidence], plan: Plan, step: int, settings: object) -> Decision:
        self.judged.append((self.percent, looks[-1]))
        kind = self.judge(step, len(looks))
        return Decision(kind, f"{kind} at step {step}")

    @property
    def percent(self) -> float:
        return parse(self.document.read_text())["sentiment"].shares[5].percent

    def run(self) -> ExitCode:
        lines = parse(self.document.read_text())["sentiment"]
        weighing = Weighing(WeightsInFile(self.document), "sentiment", 5, 4, timedelta(hours=1))
        pace = Pace(0.001, self.give_up, self.on_exit_withdraws)
        audit = AuditLog(self.audit, {"model": "sentiment"})
        run = CanaryRun(weighing, PLAN, pace, self.source, lambda since: Known(), audit, self.said.append, self.stop)
        return run.run(lines)

    @property
    def told(self) -> list[tuple[str, float]]:
        lines = map(json.loads, self.audit.read_text().splitlines())
        return [(line["what"], line["percent"]) for line in lines]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_a_good_canary_goes_through_all_steps_and_becomes_the_stable_version(bench: Bench) -> None:
    bench.judge = lambda step, looks: Kind.ADVANCE if looks == 3 else Kind.WAIT
    assert bench.run() is ExitCode.DONE
    assert bench.document.read_text() == "sentiment=5\n"
    assert [percent for percent, _ in bench.judged] == [1] * 3 + [50] * 3 + [100] * 3
    looks = [(look.canary.requests, look.stable.requests) for _, look in bench.judged]
    assert looks[:6] == [(10, 10), (20, 20), (30, 30)] * 2
    assert looks[6:] == [(10, 30), (20, 30), (30, 30)], "alone, it is compared with what the stable one did before"
    steps = [("step", 1), ("passed", 1), ("step", 50), ("passed", 50), ("step", 100), ("passed", 100)]
    assert bench.told == [*steps, ("done", 100)]


def test_a_worse_canary_is_refused_and_the_audit_log_has_the_evidence(bench: Bench) -> None:
    bench.judge = lambda step, looks: Kind.ROLL_BACK if step == 1 else Kind.ADVANCE
    assert bench.run() is ExitCode.ROLLED_BACK
    assert bench.document.read_text() == "sentiment=4\nsentiment:5=refused  # roll_back at step 1\n"
    last = json.loads(bench.audit.read_text().splitlines()[-1])
    assert (last["what"], last["percent"], last["why"], last["model"]) == (
        "rolled back",
        50,
        "version 5 is refused: roll_back at step 1",
        "sentiment",
    )
    assert last["evidence"]["canary"]["requests"] == 10
    assert "@" in last["who"]
    assert datetime.fromisoformat(last["time"]).tzinfo is UTC


def test_without_evidence_it_never_advances_and_is_withdrawn_in_the_end(bench: Bench) -> None:
    def judged(step: int, looks: int) -> Kind:
        bench.source.failing = True
        return Kind.WAIT

    bench.judge, bench.give_up = judged, 0.05
    assert bench.run() is ExitCode.RETRY
    assert bench.document.read_text() == "sentiment=4\n"
    assert len(bench.judged) == 1
    assert "nothing is decided: no answer" in bench.said
    assert bench.told == [("step", 1), ("withdrawn", 0)]


def test_a_canary_that_gets_no_requests_is_withdrawn_in_the_end(bench: Bench) -> None:
    bench.source.silent, bench.judge, bench.give_up = True, lambda step, looks: Kind.WAIT, 0.05
    assert bench.run() is ExitCode.RETRY
    assert bench.document.read_text() == "sentiment=4\n"
    assert "the canary had no request since the last look; gateways give it 0 %" in bench.said


def test_without_any_evidence_it_is_given_nothing(bench: Bench) -> None:
    bench.source.failing, bench.give_up = True, 0.01
    assert bench.run() is ExitCode.RETRY
    assert bench.document.read_text() == "sentiment=4\n"
    assert bench.told == [("ended", 0)]


@pytest.mark.parametrize(("withdraws", "left"), [(False, [50.0]), (True, [])])
def test_a_command_that_is_stopped_keeps_or_takes_back_the_share(
    bench: Bench, withdraws: bool, left: list[float]
) -> None:
    def judged(step: int, looks: int) -> Kind:
        if step == 1:
            bench.stop.set()
        return Kind.WAIT if step == 1 else Kind.ADVANCE

    bench.judge, bench.on_exit_withdraws = judged, withdraws
    assert bench.run() is ExitCode.RETRY
    lines = parse(bench.document.read_text())["sentiment"]
    assert (lines.stable, [share.percent for share in lines.shares.values()], lines.refused) == (4, left, {})


def test_a_command_that_is_stopped_ends_though_the_document_can_not_be_written(bench: Bench) -> None:
    def judged(step: int, looks: int) -> Kind:
        bench.document.write_text("no weights\n")
        bench.stop.set()
        return Kind.ROLL_BACK

    bench.judge = judged
    assert bench.run() is ExitCode.RETRY
    assert bench.document.read_text() == "no weights\n"
    assert bench.told[-1] == ("kept", 1)
    assert "stays until it ends: the weights document has a mistake: line 1" in bench.said[-1]


def test_what_somebody_else_changes_ends_the_command_and_stays(bench: Bench) -> None:
    def judged(step: int, looks: int) -> Kind:
        bench.document.write_text("sentiment=4\nsentiment:5=2\n")
        return Kind.ADVANCE

    bench.judge = judged
    assert bench.run() is ExitCode.BAD_INPUT
    assert bench.document.read_text() == "sentiment=4\nsentiment:5=2\n"


def share(percent: float, since: timedelta, until: timedelta) -> str:
    now = datetime.now(UTC)
    times = f"since={(now - since).isoformat()} until={(now + until).isoformat()}"
    return f"sentiment=4\nsentiment:5={percent:g} {times}\n"


def test_a_killed_command_goes_on_where_it_was(bench: Bench) -> None:
    bench.document.write_text(share(50, timedelta(hours=1), timedelta(minutes=4)))
    assert bench.run() is ExitCode.DONE
    assert [percent for percent, _ in bench.judged] == [50, 100]
    assert [look.seconds < 60 for _, look in bench.judged] == [True, True], "gateways don't tell what was before"


def test_a_command_that_looks_back_has_all_looks_since_the_step_began(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.source.looks_back = True
    since = timedelta(milliseconds=500)
    bench.document.write_text(share(50, since, timedelta(minutes=4)))
    bench.judge = lambda step, looks: Kind.ADVANCE if looks > 100 else Kind.WAIT
    assert bench.run() is ExitCode.DONE
    began, *looked = [at for at in bench.source.asked if at is not None]
    assert len(looked) > 400
    assert looked[0] - began == timedelta(milliseconds=1)
    assert bench.told[0] == ("resumed", 50)


def test_looks_that_are_taken_again_go_on_after_one_without_an_answer(bench: Bench) -> None:
    read = bench.source.read

    def once_failing(at: datetime | None = None) -> Reading:
        reading = read(at)
        if len(bench.source.asked) == 50:
            raise NoEvidence("no answer")
        return reading

    bench.source.read, bench.source.looks_back = once_failing, True  # type: ignore[method-assign]
    bench.document.write_text(share(50, timedelta(milliseconds=500), timedelta(minutes=4)))
    assert bench.run() is ExitCode.DONE
    looked = [at for at in bench.source.asked if at is not None]
    assert looked == sorted(looked), "a counter that falls is taken for one that started again"


def test_of_a_step_that_began_long_ago_fewer_looks_are_taken(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_MOST_EARLIER_LOOKS", 20)
    bench.source.looks_back = True
    bench.document.write_text(share(50, timedelta(days=30), timedelta(minutes=4)))
    bench.judge = lambda step, looks: Kind.ADVANCE if looks > 20 or step == 2 else Kind.WAIT
    assert bench.run() is ExitCode.DONE
    assert 20 <= len(bench.source.asked) < 40


def test_a_share_that_expired_meanwhile_begins_its_step_anew(bench: Bench) -> None:
    bench.source.looks_back = True
    bench.document.write_text(share(50, timedelta(hours=1), -timedelta(minutes=4)))
    assert bench.run() is ExitCode.DONE
    assert bench.told[0] == ("step", 50)


def test_alone_it_goes_on_with_the_step_before_unless_that_can_be_looked_up(bench: Bench) -> None:
    for looks_back, first in ((False, 50), (True, 100)):
        bench.source.looks_back = looks_back
        bench.judged.clear()
        bench.document.write_text(share(100, timedelta(seconds=0.01), timedelta(minutes=4)))
        assert bench.run() is ExitCode.DONE
        assert bench.judged[0][0] == first
