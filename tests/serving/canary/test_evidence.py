import pytest

from serving.canary.evidence import Latencies


def test_the_buckets_of_a_prometheus_histogram_become_separate_counts():
    latencies = Latencies.of_cumulative((0.1, 0.5, 1.0), (2, 7, 7, 9))

    assert latencies.counts == (2, 5, 0, 2)


def test_a_count_that_falls_by_an_estimate_counts_as_none():
    latencies = Latencies.of_cumulative((0.1, 0.5), (2.5, 2.4, 3.0))

    assert latencies.counts == pytest.approx((2.5, 0, 0.6))


@pytest.mark.parametrize(("bounds", "counts"), [((0.1, 0.5), (1, 2)), ((0.5, 0.1), (1, 2, 3)), ((0.1, 0.1), (1, 2, 3))])
def test_a_histogram_whose_parts_do_not_fit_is_an_error(bounds, counts):
    with pytest.raises(ValueError, match=r"need one more count|do not ascend"):
        Latencies(bounds, counts)
