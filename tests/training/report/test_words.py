import math

import pytest

from training.report.words import duration, figure_of, metric_name, share_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.89312, "0.8931"),
        (1.0, "1.000"),
        (0, "0.0000"),
        (21.05, "21.05"),
        (45123.4, "45,123"),
        (None, "n/a"),
        (math.nan, "n/a"),
    ],
)
def test_numbers_have_the_digits_that_mean_something(value, expected):
    assert figure_of(value) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(3.14, "3.1 s"), (150, "2 min 30 s"), (7400, "2 h 3 min")])
def test_times_have_the_unit_that_fits(seconds, expected):
    assert duration(seconds) == expected


def test_names_and_shares():
    assert metric_name("macro_f1") == "macro-F1"
    assert metric_name("top_5") == "top 5"
    assert (share_of(0.5), share_of(math.nan)) == ("0.500", "n/a")
