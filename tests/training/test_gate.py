import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.contract import Contract
from tests.serving.contracts import tabular_contract
from training.errors import TrainingError
from training.gate import GateRefused, check, check_data
from training.problems import BINARY, REGRESSION

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
        "sentiment: not published: accuracy on the test rows is 0.8123, but the task's floor needs at least 0.86; "
        "train another recipe, or change the task's floor if this will do"
    )
    assert isinstance(refusal.value, TrainingError)


def test_an_error_above_the_floor_is_refused():
    assert check(measured(2.5, REGRESSION), None, REGRESSION, 3.0, 0.3)
    with pytest.raises(GateRefused, match=r"mae on the test rows is 3.5, but the task's floor needs at most 3;"):
        check(measured(3.5, REGRESSION), None, REGRESSION, 3.0, 0.3)


def test_worse_than_the_live_version_by_more_than_the_tolerance_is_refused():
    assert check(measured(0.90), measured(0.91), BINARY, 0.86, 0.01).endswith("has 0.91 on the same test data")
    with pytest.raises(GateRefused) as refusal:
        check(measured(0.89), measured(0.91), BINARY, 0.86, 0.01)

    assert (
        "accuracy on the test rows is 0.89, but at least 0.9 is needed: the live version has 0.91 on the same"
        in str(refusal.value)
    )


def test_a_larger_error_than_the_live_version_s_is_refused():
    assert check(measured(2.8, REGRESSION), measured(2.5, REGRESSION), REGRESSION, 3.0, 0.3)
    with pytest.raises(GateRefused, match=r"is 2.9, but at most 2.8 is needed: the live version has 2.5 on the same"):
        check(measured(2.9, REGRESSION), measured(2.5, REGRESSION), REGRESSION, 3.0, 0.3)


@pytest.mark.parametrize("other", [{"sha256": "def"}, {"data": "other"}, {"sha256": None}])
def test_on_other_data_nothing_is_compared_and_that_is_said(other):
    said = check(measured(0.87), measured(0.95, **other), BINARY, 0.86, 0.01)

    assert said.endswith("not compared with the live version, which was measured on other data")


def test_two_contracts_that_do_not_name_their_data_are_not_compared():
    nameless = measured(0.95, sha256=None)

    assert "not compared" in check(measured(0.87, sha256=None), nameless, BINARY, 0.86, 0.01)


def test_a_live_version_with_another_metric_is_not_compared():
    said = check(measured(0.87), measured(0.3, REGRESSION), BINARY, 0.86, 0.01)

    assert said.endswith("not compared with the live version, which has no accuracy")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "good"])
@pytest.mark.parametrize("data", ["imdb", "sample"])
def test_what_is_no_number_is_always_refused(value, data):
    with pytest.raises(GateRefused, match="but a number is needed"):
        check(measured(value, data=data), None, BINARY, None, math.inf)


def test_no_measurement_at_all_is_refused():
    unmeasured = dataclasses.replace(measured(0.9), evaluation={})

    with pytest.raises(GateRefused, match="is nan, but a number is needed"):
        check(unmeasured, None, BINARY, None, math.inf)


def test_neither_floor_nor_live_version_bind_the_sample():
    said = check(measured(0.4, data="sample"), measured(0.9, data="sample"), BINARY, 0.86, 0.01)

    assert said == "accuracy 0.4: no floor for the data 'sample'"


@given(values, values)
def test_a_sample_s_model_never_replaces_a_real_one_however_good_and_whatever_is_allowed(new, old):
    with pytest.raises(GateRefused, match="trained on imdb, which a sample's never replaces"):
        check(measured(new, data="sample"), measured(old), BINARY, None, math.inf)


def test_a_real_model_replaces_a_sample_s_however_good_that_was():
    assert check(measured(0.87), measured(1.0, data="sample"), BINARY, 0.86, 0.01)


def test_a_job_can_ask_about_the_sample_before_it_trains():
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
