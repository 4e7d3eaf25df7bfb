import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract import Contract
from tests.serving.contracts import tabular_contract
from training.errors import TrainingError
from training.problem_types import BINARY, REGRESSION
from training.publishing.comparison import Comparison
from training.publishing.gate import GateRefused, check, check_data
from training.publishing.live_version import Incomparable

values = st.floats(0, 1)


def measured(value, problem=BINARY, data="imdb", sha256="abc") -> Contract:
    return dataclasses.replace(
        tabular_contract("sentiment"),
        evaluation={"metric": problem.metric, "test": {problem.metric: value}},
        provenance={"data": data, "data_sha256": sha256},
    )


def test_the_first_version_needs_to_reach_the_floor_only():
    assert check(measured(0.86), None, BINARY, 0.86, 0.005) == "accuracy 0.86: the floor is 0.86"


def test_below_the_floor_is_refused_with_all_that_one_needs_to_know():
    with pytest.raises(GateRefused) as refusal:
        check(measured(0.8123), None, BINARY, 0.86, 0.005)

    assert str(refusal.value) == (
        "sentiment: not published: accuracy on the test rows is 0.8123, but the task's floor requires at least 0.86; "
        "train another recipe, or change the task's floor if this is acceptable"
    )
    assert isinstance(refusal.value, TrainingError)


def test_an_error_above_the_floor_is_refused():
    assert check(measured(2.5, REGRESSION), None, REGRESSION, 3.0, 0.3)
    with pytest.raises(GateRefused, match=r"mae on the test rows is 3.5, but the task's floor requires at most 3;"):
        check(measured(3.5, REGRESSION), None, REGRESSION, 3.0, 0.3)


def test_worse_than_the_live_version_by_more_than_the_tolerance_is_refused():
    assert check(measured(0.90), measured(0.91), BINARY, 0.86, 0.01).endswith("has 0.91 on the same test data")
    with pytest.raises(GateRefused) as refusal:
        check(measured(0.89), measured(0.91), BINARY, 0.86, 0.01)

    assert (
        "accuracy on the test rows is 0.89, but at least 0.9 is required: the live version has 0.91 on the same"
        in str(refusal.value)
    )


def test_a_larger_error_than_the_live_version_s_is_refused():
    assert check(measured(2.8, REGRESSION), measured(2.5, REGRESSION), REGRESSION, 3.0, 0.3)
    with pytest.raises(GateRefused, match=r"is 2.9, but at most 2.8 is required: the live version has 2.5 on the same"):
        check(measured(2.9, REGRESSION), measured(2.5, REGRESSION), REGRESSION, 3.0, 0.3)


@pytest.mark.parametrize("other", [{"sha256": "def"}, {"data": "other"}, {"sha256": None}])
def test_what_nobody_has_compared_is_refused_unless_one_says_so(other):
    new, live = measured(0.97), measured(0.95, **other)
    with pytest.raises(GateRefused) as refusal:
        check(new, live, BINARY, 0.86, 0.01)

    assert str(refusal.value) == (
        "sentiment: not published: accuracy on the test rows is 0.97, but it can't be compared with the live version, "
        "which was measured on other data; publish to another --models-dir, or replace the live version anyway "
        "with --replace-incomparable"
    )
    said = check(new, live, BINARY, 0.86, 0.01, replace_incomparable=True)
    assert said.endswith(
        "not compared with the live version, which was measured on other data; replaced because of "
        "--replace-incomparable"
    )


def test_two_contracts_that_do_not_name_their_data_are_not_compared():
    with pytest.raises(GateRefused, match="can't be compared"):
        check(measured(0.97, sha256=None), measured(0.95, sha256=None), BINARY, 0.86, 0.01)


def test_a_live_version_with_another_metric_is_not_compared():
    with pytest.raises(GateRefused, match="can't be compared"):
        check(measured(0.97), measured(0.3, REGRESSION), BINARY, 0.86, 0.01)


def test_why_a_live_version_could_not_be_evaluated_is_reported():
    lacking = Incomparable("requires fields that the test rows lack: 'B'")
    with pytest.raises(GateRefused, match="the live version, which requires fields that the test rows lack: 'B';"):
        check(measured(0.97), measured(0.95, sha256="def"), BINARY, 0.86, 0.01, lacking)


def test_without_an_evaluation_of_the_live_version_its_recorded_metric_counts_on_the_same_data():
    broken = Incomparable("can't be loaded and run here: no graph")

    said = check(measured(0.95), measured(0.95), BINARY, 0.86, 0.01, broken)
    assert said.endswith(
        "the live version, which can't be loaded and run here: no graph, has 0.95 on the same test data"
    )
    with pytest.raises(GateRefused, match=r"at least 0.94 is required"):
        check(measured(0.93), measured(0.95), BINARY, 0.86, 0.01, broken, replace_incomparable=True)


def comparison(new, live, p=0.5):
    return Comparison(3, 400, new, live, p, "McNemar's test")


def test_what_the_live_version_scores_on_the_same_rows_counts_and_not_what_it_scored_on_others():
    old = measured(1.0, sha256="def")

    said = check(measured(0.9), old, BINARY, None, 0.0, comparison(0.9, 0.6))
    assert said.endswith("live version 3 has 0.6 on the same 400 rows (McNemar's test, one-sided: p = 0.5)")
    with pytest.raises(
        GateRefused, match=r"at least 0.99 is required: live version 3 has 1 on the same 400 rows, and the"
    ):
        check(measured(0.66), old, BINARY, None, 0.01, comparison(0.66, 1.0))


def test_within_the_tolerance_it_is_refused_only_if_chance_does_not_explain_it():
    assert check(measured(0.9), measured(0.9), BINARY, None, 0.02, comparison(0.9, 0.91, p=0.06))
    with pytest.raises(GateRefused) as refusal:
        check(measured(0.9), measured(0.9), BINARY, None, 0.02, comparison(0.9, 0.91, p=0.04))

    assert (
        "live version 3 has 0.91 on the same 400 rows, and chance does not explain the difference (McNemar's test"
        in str(refusal.value)
    )


@pytest.mark.parametrize(
    ("problem", "naive", "good", "bad"), [(BINARY, 0.5, 0.51, 0.49), (REGRESSION, 28.2, 28.1, 44.4)]
)
def test_what_is_not_better_than_the_naive_baseline_is_refused_whatever_one_says(problem, naive, good, bad):
    def contract(value):
        baseline = {"name": "naive", problem.metric: naive}
        new = measured(value, problem)
        return dataclasses.replace(new, evaluation=new.evaluation | {"baseline": baseline})

    assert f"the naive baseline (naive) has {naive}" in check(contract(good), None, problem, None, 0.0)
    for value in (bad, naive):
        with pytest.raises(GateRefused, match=r"the naive baseline .* must be beaten"):
            check(contract(value), None, problem, None, math.inf, None, True)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "good"])
@pytest.mark.parametrize("data", ["imdb", "sample"])
def test_what_is_not_a_number_is_always_refused(value, data):
    with pytest.raises(GateRefused, match="but a finite number is required"):
        check(measured(value, data=data), None, BINARY, None, math.inf)


def test_no_measurement_at_all_is_refused():
    unmeasured = dataclasses.replace(measured(0.9), evaluation={})

    with pytest.raises(GateRefused, match="is nan, but a finite number is required"):
        check(unmeasured, None, BINARY, None, math.inf)


def test_neither_floor_nor_live_version_bind_the_sample():
    said = check(measured(0.4, data="sample"), measured(0.9, data="sample"), BINARY, 0.86, 0.01)

    assert said == "accuracy 0.4: no floor for the data 'sample'"


@given(values, values)
def test_a_sample_s_model_never_replaces_a_real_one_however_good_and_whatever_is_allowed(new, old):
    with pytest.raises(GateRefused, match="trained on imdb, which a model of the sample never replaces"):
        check(measured(new, data="sample"), measured(old), BINARY, None, math.inf)


def test_a_real_model_replaces_a_sample_s_however_good_that_was():
    assert check(measured(0.87), measured(1.0, data="sample"), BINARY, 0.86, 0.01)


def test_a_job_can_check_the_sample_before_it_trains():
    check_data("sentiment", True, None)
    check_data("sentiment", True, measured(0.9, data="sample"))
    check_data("sentiment", False, measured(0.9))
    with pytest.raises(GateRefused, match="sentiment: not published: trained on the built-in sample, but the live"):
        check_data("sentiment", True, measured(0.9))


@given(values, values, values, st.floats(0, 0.2), st.sampled_from([BINARY, REGRESSION]))
def test_what_is_better_passes_wherever_what_is_worse_does(one, two, live, tolerance, problem):
    def passes(value):
        try:
            return bool(check(measured(value, problem), measured(live, problem), problem, 0.5, tolerance))
        except GateRefused:
            return False

    worse, better = sorted([one, two], reverse=not problem.higher_is_better)
    assert passes(better) or not passes(worse)


@given(values, st.sampled_from([BINARY, REGRESSION]))
def test_the_same_value_as_the_live_version_passes_without_any_tolerance(value, problem):
    assert check(measured(value, problem), measured(value, problem), problem, None, 0.0)
