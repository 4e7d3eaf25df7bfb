"""What is told besides the metric."""

import numpy as np

from tests.training.report import records
from training.problem_types import BALANCED_BINARY
from training.report.further import further_measures


def test_classes_have_f1_and_accuracy_beside_the_metric():
    assert further_measures(records.binary()).keys() == {"macro_f1", "auc"}
    balanced = further_measures(records.binary(problem=BALANCED_BINARY))
    assert balanced.keys() == {"accuracy", "macro_f1", "auc"}
    assert balanced["accuracy"] == 0.5


def test_what_the_rows_leave_undefined_is_not_told():
    assert "auc" not in further_measures(records.binary(test_targets=np.ones(4, np.int64)))


def test_tags_and_numbers():
    assert further_measures(records.multilabel()).keys() == {"micro_f1", "exact_match"}
    assert further_measures(records.regression()).keys() == {"rmse", "r2"}
