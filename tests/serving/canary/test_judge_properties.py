"""What holds of the judge whatever is known of a canary."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.canary.evidence import AbsoluteErrors, Evidence, Kind, Latencies, RightAnswers, Seen
from serving.canary.judge import judge
from serving.canary.settings import Plan, Settings

PLAN = Plan((1, 25, 100), hold=100)

counts = st.one_of(st.just(0.0), st.floats(0, 10), st.floats(0, 1e9), st.integers(0, 10_000).map(float))
bounds = st.lists(st.floats(1e-6, 1e3), unique=True, max_size=5).map(lambda them: tuple(sorted(them)))
latencies = bounds.flatmap(
    lambda them: st.tuples(*[counts] * (len(them) + 1)).map(lambda each: Latencies(them, tuple(each)))
)
truths = st.one_of(st.builds(RightAnswers, counts, counts), st.builds(AbsoluteErrors, counts, counts, counts))
seen = st.builds(
    Seen,
    requests=counts,
    errors=counts,
    refusals=st.none() | counts,
    latencies=st.none() | latencies,
    predictions=st.none() | st.dictionaries(st.sampled_from("abcdef"), counts) | latencies,
    parity_failures=st.none() | st.just(0.0),
    truth=st.none() | truths,
)
evidence = st.builds(Evidence, seconds=st.floats(0, 1e6), canary=seen, stable=seen)
steps = st.integers(0, 2)
rates = st.floats(0, 1)


def looks(canary: tuple[float, float], stable: tuple[float, float], number: int = 10) -> list[Evidence]:
    """Return looks at versions of which each had so many requests and errors in the end."""
    return [
        Evidence(100 * share, Seen(canary[0] * share, canary[1] * share), Seen(stable[0] * share, stable[1] * share))
        for share in np.linspace(0, 1, number + 1)[1:]
    ]


@settings(max_examples=40)
@given(st.lists(evidence, max_size=6), steps)
def test_any_evidence_is_judged(them, step):
    decision = judge(them, PLAN, step)

    assert decision.kind in Kind
    assert decision.why.startswith(("step ", "rolled back at step "))
    assert "nan" not in decision.why


@settings(max_examples=40)
@given(st.lists(evidence, min_size=1, max_size=6), steps)
def test_nothing_but_parity_is_decided_below_the_minimum(them, step):
    last = them[-1]
    few = [*them[:-1], replace(last, canary=replace(last.canary, requests=min(last.canary.requests, 49.0)))]

    assert judge(few, PLAN, step).kind is Kind.WAIT
    failed = replace(few[-1], canary=replace(few[-1].canary, parity_failures=1.0))
    assert judge([*few[:-1], failed], PLAN, step).kind is Kind.ROLL_BACK


@settings(max_examples=40)
@given(st.integers(5_000, 100_000), st.floats(0, 0.9), st.floats(0, 0.999), steps)
def test_nothing_advances_before_the_hold_is_over(requests, rate, share, step):
    them = looks((requests, requests * rate), (100_000, 100_000 * rate))
    early = [replace(look, seconds=look.seconds * share) for look in them]

    assert judge(early, PLAN, step).kind is Kind.WAIT


@settings(max_examples=40)
@given(st.integers(50, 100_000), rates, rates, st.integers(50, 1_000_000), rates)
def test_more_errors_never_help(requests, rate, more, stable_requests, stable_rate):
    low, high = sorted((rate, more))
    stable = (stable_requests, stable_requests * stable_rate)
    order = [Kind.ADVANCE, Kind.WAIT, Kind.ROLL_BACK]

    better, worse = (judge(looks((requests, requests * each), stable), PLAN, 0).kind for each in (low, high))

    assert order.index(better) <= order.index(worse)


@settings(max_examples=40)
@given(st.integers(50, 100_000), rates, st.integers(50, 100_000), rates)
def test_of_two_versions_at_most_one_is_worse_than_the_other(requests, rate, others, other_rate):
    one, other = (requests, requests * rate), (others, others * other_rate)

    kinds = [judge(looks(canary, stable), PLAN, 0).kind for canary, stable in ((one, other), (other, one))]

    assert kinds.count(Kind.ROLL_BACK) <= 1


@settings(max_examples=40)
@given(st.integers(50, 100_000), rates, st.integers(50, 1_000_000))
def test_a_canary_with_the_stable_version_s_share_of_errors_is_never_rolled_back(requests, rate, stable):
    decision = judge(looks((requests, requests * rate), (stable, stable * rate)), PLAN, 0)

    assert decision.kind is not Kind.ROLL_BACK


@settings(max_examples=40)
@given(st.permutations("abcd"), st.lists(st.integers(0, 5_000), min_size=8, max_size=8))
def test_the_names_of_labels_don_t_matter(names, numbers):
    def judged(labels: list[str]) -> Kind:
        sides = (dict(zip(labels, numbers[:4], strict=True)), dict(zip(labels, numbers[4:], strict=True)))
        canary, stable = (Seen(10_000, 0, predictions=side) for side in sides)
        halves = [replace(each, requests=5_000.0) for each in (canary, stable)]
        return judge([Evidence(50, *halves), Evidence(75, *halves), Evidence(100, canary, stable)], PLAN, 0).kind

    assert judged(list(names)) is judged(list("abcd"))


@settings(max_examples=40)
@given(st.integers(0, 3_000), st.floats(1, 1e4))
def test_looks_without_further_requests_change_nothing_but_time(errors, seconds):
    them = looks((10_000, errors), (100_000, 100))
    later = [*them, replace(them[-1], seconds=100 + seconds)]
    patient = Settings(patience=1e9)

    assert judge(later, PLAN, 0, patient).kind is judge(them, PLAN, 0, patient).kind
