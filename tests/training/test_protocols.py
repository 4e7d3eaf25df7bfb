import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.protocols import HoldOut, KFold


@given(st.sampled_from([HoldOut(0.2), KFold(2), KFold(4)]), st.integers(4, 50), st.integers(0, 9))
def test_training_and_validation_rows_are_disjoint_and_together_all(protocol, rows, seed):
    for train, validation in protocol.splits(rows, seed):
        assert len(train) > 0
        assert len(validation) > 0
        assert sorted([*train, *validation]) == list(range(rows))


@given(st.integers(2, 6), st.integers(6, 50))
def test_k_fold_validates_each_row_once(folds, rows):
    validated = [row for _, validation in KFold(folds).splits(rows, 1) for row in validation]

    assert sorted(validated) == list(range(rows))


@pytest.mark.parametrize("protocol", [HoldOut(0.5), KFold(3)])
def test_the_seed_decides_the_split(protocol):
    first, again, other = (next(iter(protocol.splits(40, seed)))[1] for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
