"""A canary is rolled back for what is worse, passes when worse is excluded, and waits for what is missing."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from serving.canary.evidence import (
    AbsoluteErrors,
    Decision,
    Evidence,
    Histogram,
    Kind,
    Latencies,
    PairedAnswers,
    PairedErrors,
    RightAnswers,
    Seen,
)
from serving.canary.judge import judge
from serving.canary.settings import Plan, Settings

BOUNDS = (0.005, 0.01, 0.025)
STABLE = Seen(
    requests=100_000,
    errors=100,
    refusals=1_000,
    latencies=Latencies(BOUNDS, (30_000, 50_000, 18_000, 2_000)),
    predictions={"negative": 50_000, "positive": 50_000},
    parity_failures=0,
    truth=RightAnswers(50_000, 44_000),
)
CANARY = Seen(
    requests=10_000,
    errors=10,
    refusals=100,
    latencies=Latencies(BOUNDS, (3_000, 5_000, 1_800, 200)),
    predictions={"negative": 5_000, "positive": 5_000},
    parity_failures=0,
    truth=RightAnswers(5_000, 4_400),
)
"""As good as the stable version."""
PLAN = Plan((5, 25, 100), hold=600)


def part(seen: Seen, share: float) -> Seen:
    """Return what was seen at an earlier look, when there was a *share* of all counts."""
    latencies, truth = seen.latencies, seen.truth
    return Seen(
        seen.requests * share,
        seen.errors * share,
        None if seen.refusals is None else seen.refusals * share,
        latencies and Latencies(latencies.bounds, tuple(count * share for count in latencies.counts)),
        scaled(seen.predictions, share),
        seen.parity_failures,
        truth and type(truth)(*(value * share for value in vars(truth).values())),
    )


def scaled(predictions: Mapping[str, float] | Histogram | None, share: float) -> Mapping[str, float] | Histogram | None:
    if isinstance(predictions, Histogram):
        return Histogram(predictions.bounds, tuple(count * share for count in predictions.counts))
    return predictions and {label: count * share for label, count in predictions.items()}


def looks(canary: Seen, stable: Seen = STABLE, seconds: float = 600.0, number: int = 20) -> list[Evidence]:
    """Return looks at equal times, of which the last has all counts."""
    shares = np.linspace(0, 1, number + 1)[1:]
    return [Evidence(seconds * share, part(canary, share), part(stable, share)) for share in shares]


def changed(**values: object) -> Seen:
    return Seen(**{**vars(CANARY), **values})  # type: ignore[arg-type]


def test_an_equal_canary_advances_after_the_hold():
    decision = judge(looks(CANARY), PLAN, 0)

    assert decision.kind is Kind.ADVANCE
    assert decision.why.startswith("step 5 % is passed after 600 s: no worse in errors, refusals, typical latency,")
    assert decision.why.endswith(" long latency, predictions, truth")


def test_an_equal_canary_waits_until_the_hold_is_over():
    decision = judge(looks(CANARY, seconds=599), PLAN, 0)

    assert decision == Decision(Kind.WAIT, "step 5 % waits: it is held for 600 s, of which 599 are over")


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        (changed(errors=60), "60 of 10,000 requests failed (0.60 %), and 0.10 % of the stable version's"),
        (
            changed(refusals=400),
            "400 of 10,000 requests were refused as invalid (4.00 %), and 1.00 % of the stable version's",
        ),
        (
            changed(latencies=Latencies(BOUNDS, (1_500, 4_500, 3_500, 500))),
            "4,000 of 10,000 requests took over 10 ms (40.00 %), and 20.00 % of the stable version's",
        ),
        (
            changed(latencies=Latencies(BOUNDS, (3_000, 5_000, 1_300, 700))),
            "700 of 10,000 requests took over 25 ms (7.00 %), and 2.00 % of the stable version's",
        ),
        (
            changed(predictions={"negative": 3_000, "positive": 7_000}),
            "70.0 % of 10,000 predictions are positive, and 50.0 % of the stable version's "
            "(PSI 0.169 more than by chance)",
        ),
        (
            changed(truth=RightAnswers(5_000, 4_200)),
            "800 of 5,000 answers whose truth is known were wrong (16.00 %), and 12.00 % of the stable version's",
        ),
        (changed(parity_failures=1), "the canary does not compute what training computed"),
    ],
)
def test_a_worse_canary_is_rolled_back_before_the_hold_is_over(worse, why):
    decision = judge(looks(worse, seconds=300), PLAN, 0)

    assert decision.kind is Kind.ROLL_BACK
    assert decision.why == f"rolled back at step 5 %: {why}"


def test_larger_absolute_errors_are_told_by_their_means():
    stable = Seen(100_000, 0, truth=AbsoluteErrors(10_000, 30_000, 150_000))
    canary = Seen(10_000, 0, truth=AbsoluteErrors(1_000, 4_000, 26_000))

    decision = judge(looks(canary, stable), PLAN, 0)

    assert decision.why == (
        "rolled back at step 5 %: the mean absolute error of 1,000 answers whose truth is known is 4, "
        "and the stable version's 3"
    )


def paired(pairs: PairedAnswers | PairedErrors, number: int = 20) -> list[Evidence]:
    """Return looks at an equal canary, with *pairs* by the last of them."""
    return [
        replace(look, paired=type(pairs)(*(value * step / number for value in vars(pairs).values())))
        for step, look in enumerate(looks(CANARY, number=number), 1)
    ]


def test_answers_of_both_versions_to_the_same_instances_tell_what_few_others_can():
    of = "answers of both versions whose truth is known"
    worse = judge(paired(PairedAnswers(6_000, 300, 480)), PLAN, 0)

    assert worse == Decision(
        Kind.ROLL_BACK,
        f"rolled back at step 5 %: of 6,000 {of}, 480 were wrong of the canary only (8.00 %), and 300 of the stable "
        "version only (5.00 %)",
    )
    assert judge(paired(PairedAnswers(6_000, 390, 390)), PLAN, 0).kind is Kind.ADVANCE
    assert judge(paired(PairedAnswers(6_000, 390, 410)), PLAN, 0).kind is Kind.ADVANCE  # hardly worse
    assert judge(paired(PairedAnswers(6_000, 0, 0)), PLAN, 0).kind is Kind.ADVANCE  # they never differ


def test_a_few_pairs_do_not_hide_what_more_answers_of_the_canary_tell():
    few = [replace(look, paired=PairedAnswers(10, 1, 0)) for look in looks(changed(truth=RightAnswers(5_000, 4_000)))]

    assert judge(few, PLAN, 0).kind is Kind.ROLL_BACK


def test_absolute_errors_of_both_versions_are_compared_answer_by_answer():
    of = "answers of both versions whose truth is known"
    decision = judge(paired(PairedErrors(6_000, 1_500.0, 40_000.0, 6_000.0)), PLAN, 0)

    assert decision == Decision(
        Kind.ROLL_BACK,
        f"rolled back at step 5 %: of 6,000 {of}, the canary's mean absolute error is 1.25, and the stable version's 1",
    )
    assert judge(paired(PairedErrors(6_000, 0.0, 40_000.0, 6_000.0)), PLAN, 0).kind is Kind.ADVANCE


def test_values_are_compared_by_their_distribution_whatever_bounds_each_version_has():
    stable = Seen(100_000, 0, predictions=Histogram((100, 200, 300), (25_000, 25_000, 25_000, 25_000)))
    alike = Seen(10_000, 0, predictions=Histogram((50, 150, 250, 350), (1_250, 2_500, 2_500, 2_500, 1_250)))
    larger = Seen(10_000, 0, predictions=Histogram((50, 150, 250, 350), (200, 800, 2_000, 4_000, 3_000)))

    assert judge(looks(alike, stable), PLAN, 0).kind is Kind.ADVANCE
    assert judge(looks(larger, stable), PLAN, 0).why == (
        "rolled back at step 5 %: 50.0 % of 10,000 predictions are above 300, and 25.0 % of the stable version's "
        "(PSI 0.517 more than by chance)"
    )


def test_failures_that_come_together_count_less_than_as_many_apart():
    apart = looks(changed(errors=60))
    together = [Evidence(look.seconds, changed(errors=0), look.stable) for look in apart]
    together[1:] = [Evidence(look.seconds, changed(errors=60), look.stable) for look in apart[1:]]

    assert judge(apart, PLAN, 0).kind is Kind.ROLL_BACK
    assert judge(together, PLAN, 0).kind is not Kind.ROLL_BACK


def test_too_little_traffic_waits_and_says_what_is_missing():
    few = part(CANARY, 0.04)

    decision = judge(looks(few, seconds=700), PLAN, 0)

    assert decision.kind is Kind.WAIT
    assert "errors by 400 of about " in decision.why
    assert "truth by 200 of about " in decision.why


def test_patience_leaves_what_is_missing_to_a_step_with_more_traffic():
    few = part(CANARY, 0.04)

    decision = judge(looks(few, seconds=2_400), PLAN, 0)

    assert decision.kind is Kind.ADVANCE
    assert "not judged for lack of evidence: errors by 400 of about" in decision.why


def test_the_last_step_with_both_versions_waits_on_but_for_truth():
    few, without_truth = part(CANARY, 0.04), changed(truth=RightAnswers(1, 1))

    assert judge(looks(few, seconds=18_000), PLAN, 1).kind is Kind.WAIT
    assert judge(looks(without_truth, seconds=18_000), PLAN, 1).kind is Kind.ADVANCE


@pytest.mark.parametrize("canary", [part(CANARY, 0.004), Seen(0, 0)])
def test_fewer_requests_than_the_minimum_decide_nothing(canary):
    decision = judge(looks(canary, seconds=1e6), PLAN, 0)

    assert decision.kind is Kind.WAIT
    assert f"the canary had {canary.requests:.0f} requests in 20 looks, and at least 50 in 3 are judged" in decision.why


def test_parts_that_nobody_knows_are_named():
    decision = judge(looks(Seen(10_000, 10), Seen(100_000, 100)), PLAN, 0)

    assert decision.why.endswith(
        "no worse in errors; not known: refusals, typical latency, long latency, predictions, truth"
    )


def test_alone_a_canary_is_compared_with_the_stable_version_of_before_and_then_done():
    alone = [Evidence(look.seconds, look.canary, STABLE) for look in looks(CANARY)]
    failing = [Evidence(look.seconds, look.canary, STABLE) for look in looks(changed(errors=300))]

    assert judge(alone, PLAN, 2).kind is Kind.DONE
    assert judge(failing, PLAN, 2).kind is Kind.ROLL_BACK


def test_wider_margins_let_pass_what_the_usual_ones_do_not():
    worse = looks(changed(errors=60))

    assert judge(worse, PLAN, 0, Settings(errors=0.01)).kind is Kind.ADVANCE


def test_nothing_known_waits():
    assert judge([], PLAN, 0).why == "step 5 % waits: nothing is known yet"
