"""Simulated canaries: the judge's defaults let good ones pass and find bad ones. The simulation judges as it does."""

import numpy as np
import pytest

from benchmarks.canary.simulation import PASSED, UNDECIDED, Outcomes, decide, looks, simulate
from benchmarks.canary.table import canaries, interval, summary
from benchmarks.canary.traffic import BOUNDS, FAULTS, GOOD, Counts, Fault, draw
from serving.canary.evidence import Evidence, Kind, Latencies, PairedAnswers, RightAnswers, Seen
from serving.canary.findings import MEASURES
from serving.canary.judge import judge
from serving.canary.settings import Plan, Settings

PLAN, SETTINGS = Plan(), Settings()
BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.mark.parametrize("fault", FAULTS[:GOOD], ids=lambda fault: fault.name)
def test_good_canaries_are_not_rolled_back(fault):
    outcomes = simulate(fault, 300, 10, seed=1, plan=PLAN, settings=SETTINGS)

    assert outcomes.steps.tolist() == [PASSED] * 10


@pytest.mark.parametrize(
    ("name", "measure", "step"),
    [
        ("3 points more answers wrong", "truth", 2),
        ("3 points more answers wrong, and a shadow of all", "truth", 0),
        ("30 % slower", "typical latency", 0),
        ("a quarter of other answers become one label", "predictions", 0),
        ("0.5 % of requests fail", "errors", 1),
        ("2 % of requests are refused", "refusals", 1),
    ],
)
def test_bad_canaries_are_rolled_back_in_time_and_for_what_is_wrong(name, measure, step):
    outcomes = simulate(BY_NAME[name], 300, 20, seed=1, plan=PLAN, settings=SETTINGS)

    assert outcomes.is_rolled_back.sum() >= 19
    assert outcomes.steps.max() <= step
    assert [MEASURES[each] for each in outcomes.measures[outcomes.is_rolled_back]].count(measure) >= 18


def seen(counts: Counts, run: int, look: int) -> Seen:
    """Return what one version of one run did until a look."""
    of = {name: values[run, look] for name, values in vars(counts).items()}
    return Seen(
        of["requests"],
        of["errors"],
        of["refusals"],
        Latencies(tuple(BOUNDS), tuple(of["latencies"])),
        dict(enumerate(of["labels"])),
        0,
        RightAnswers(of["known"], of["known"] - of["wrong"]),
    )


def pairs(counts: Counts, run: int, look: int) -> PairedAnswers | None:
    of, stable_right, canary_right = (
        each[run, look] for each in (counts.paired, counts.only_shadow_wrong, counts.only_this_wrong)
    )
    return PairedAnswers(of, canary_right, stable_right) if of else None


@pytest.mark.parametrize(
    "fault",
    [Fault("equal"), Fault("bad", failing=0.004, together=4), Fault("wrong", wrong=0.04, shadowed=1)],
    ids=lambda fault: fault.name,
)
def test_many_runs_are_judged_as_each_alone(fault):
    times = looks(PLAN, SETTINGS)[:60]
    random, lengths = np.random.default_rng(3), np.diff(times, prepend=0)
    drawn = [
        draw(random, kind, rate, np.zeros((2, 60)), lengths, np.zeros(2))
        for kind, rate in ((fault, 10), (fault.of_both(), 190))
    ]

    def part(runs: np.ndarray, begins: np.ndarray, lengths: np.ndarray) -> tuple[Counts, ...]:
        looks = np.searchsorted(times, begins + lengths)
        return tuple(Counts(**{name: each[runs][:, looks] for name, each in vars(side).items()}) for side in drawn)

    ends = decide(part, 2, times, 1, PLAN, SETTINGS)

    canary, stable = (side.summed() for side in drawn)
    for run in range(2):
        them: list[Evidence] = []
        decision = None
        for look, seconds in enumerate(times):
            them.append(Evidence(seconds, seen(canary, run, look), seen(stable, run, look), pairs(stable, run, look)))
            decision = judge(them, PLAN, 1)
            if decision.kind is not Kind.WAIT:
                break
        kinds = {Kind.ROLL_BACK: 1, Kind.ADVANCE: PASSED, Kind.WAIT: UNDECIDED}
        assert (ends.steps[run], ends.looks[run]) == (kinds[decision.kind], look)


def test_the_table_has_shares_with_intervals_and_what_it_took():
    outcomes = Outcomes(
        np.array([0, 1, PASSED, UNDECIDED]), np.zeros(4), np.array([60, 120, 600, 600]), np.array([5, 15, 50, 60])
    )
    record = {"kind": "canary", "fault": "failing", "rate": 10.0, "runs": 4, **summary(outcomes, PLAN)}

    assert canaries([record]).splitlines()[-1] == (
        "| failing | 10 | 50 % (15.0-85.0) | 25 / 25 / 0 / 0 | 25 % | 2 (2) | 10 (14) |"
    )


def test_a_share_of_none_has_an_interval_too():
    assert interval(0, 1000) == pytest.approx((0.0, 0.0, 0.0038), abs=1e-4)
