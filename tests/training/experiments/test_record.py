import numpy as np
import pytest

from serving.contract.heads import Labels
from tests.training.report import records


def test_the_metric_of_each_fold():
    record = records.binary()

    assert record.metric == "accuracy"
    assert record.validation.tolist() == [0.7, 0.9]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_targets": np.array([1, 0])}, r"of one length, got \[2, 4\] rows"),
        ({"test_scores": np.zeros((4, 2))}, r"expected scores \[n, 1\] for the head 'labels', got \[4, 2\]"),
        ({"test_scores": np.full((4, 1), np.nan)}, "not finite"),
        ({"head": Labels(("a", "b", "c"), top=3)}, r"expected scores \[n, 3\]"),
        ({"test_instances": [], "test_targets": np.zeros(0), "test_scores": np.zeros((0, 1))}, r"got \[0\] rows"),
    ],
)
def test_a_record_whose_parts_do_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        records.binary(**changes)
