import pytest

from serving.statistics.pairs import paired_test


@pytest.mark.parametrize(
    ("first", "other", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (1, 0, 1.0),
        (0, 6, 0.03125),
        (10, 2, 0.03857421875),
        (130, 90, 0.008405451752681935),  # scipy.stats.binomtest(90, 220).pvalue
        (50_500, 49_500, 0.0015823598788515154),  # scipy.stats.binomtest(49_500, 100_000).pvalue
    ],
)
def test_pairs_are_tested_exactly(first: int, other: int, p: float) -> None:
    assert paired_test(first, other) == pytest.approx(p, rel=1e-9)
    assert paired_test(other, first) == pytest.approx(p, rel=1e-9)
