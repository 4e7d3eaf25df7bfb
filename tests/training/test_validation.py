import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import BadRequest
from training.validation import HoldOut, KFold, NoValidation, RepeatedKFold, TimeOrdered, checked_splits, make_strategy

ALL = [HoldOut(0.25), KFold(4), RepeatedKFold(3, 2), TimeOrdered(0.3)]
targets = st.one_of(
    st.lists(st.integers(0, 3), min_size=12, max_size=60).map(np.array),
    st.lists(st.floats(0, 1), min_size=12, max_size=60).map(np.array),
    st.integers(12, 60).map(lambda rows: np.ones((rows, 3), np.int64)),
)


@given(st.sampled_from(ALL), targets, st.integers(0, 9))
def test_training_and_validation_rows_are_disjoint_and_together_all(strategy, targets, seed):
    for train, validation in checked_splits(strategy, targets, seed):
        assert not set(train) & set(validation)
        assert len(train) + len(validation) == len(targets)


@given(st.integers(2, 6), targets)
def test_k_fold_validates_each_row_once(folds, targets):
    validated = [row for _, validation in KFold(folds).splits(targets, 1) for row in validation]

    assert sorted(validated) == list(range(len(targets)))


def test_repeated_k_fold_validates_each_row_once_a_repeat_and_shuffles_anew():
    splits = list(RepeatedKFold(3, 2).splits(np.zeros(30), 1))

    assert len(splits) == 6
    assert not np.array_equal(splits[0][1], splits[3][1])


@pytest.mark.parametrize("strategy", [HoldOut(0.25), KFold(4), RepeatedKFold(4, 2)])
def test_each_side_has_its_share_of_each_class(strategy):
    classes = np.array([0] * 400 + [1] * 80 + [2] * 8)

    for train, validation in checked_splits(strategy, classes, 3):
        assert np.bincount(classes[validation]).tolist() == [100, 20, 2]
        assert np.bincount(classes[train]).tolist() == [300, 60, 6]


def test_time_ordered_validates_on_what_came_last_and_never_shuffles():
    ((train, validation),) = TimeOrdered(0.2).splits(np.zeros(10), seed=5)

    assert train.tolist() == list(range(8))
    assert validation.tolist() == [8, 9]


@pytest.mark.parametrize("strategy", [HoldOut(0.5), KFold(3)])
def test_the_seed_decides_the_split(strategy):
    first, again, other = (next(iter(strategy.splits(np.zeros(40), seed)))[1] for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("strategy", [HoldOut(0.01), KFold(10)])
def test_too_few_rows_are_refused(strategy):
    with pytest.raises(BadRequest, match="5 rows are too few"):
        checked_splits(strategy, np.zeros(5), 1)


def test_without_validation_there_is_no_split():
    assert checked_splits(NoValidation(), np.zeros(5), 1) == []


def test_a_strategy_that_leaks_a_row_is_found():
    class Leaky:
        name = "leaky"

        def splits(self, targets, seed):
            yield np.arange(len(targets)), np.array([0])

    with pytest.raises(AssertionError, match="a split has a row twice, or lacks one"):
        checked_splits(Leaky(), np.zeros(5), 1)


def test_a_strategy_is_made_by_name_with_its_own_options():
    assert make_strategy("repeated-kfold", folds=5, repeats=2, share=None) == RepeatedKFold(5, 2)
    assert make_strategy(None, folds=None) is None


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("holdout", {"folds": 3}, "--folds is not an option of --protocol holdout, which takes --share"),
        (None, {"folds": 3}, "--folds requires --protocol"),
    ],
)
def test_an_option_of_another_strategy_is_refused(name, options, message):
    with pytest.raises(BadRequest, match=message):
        make_strategy(name, **options)


@pytest.mark.parametrize("strategy", [HoldOut(0.25), KFold(4), RepeatedKFold(3, 2)])
def test_groups_of_rows_stay_together(strategy):
    groups = np.arange(60) % 12

    for train, validation in checked_splits(strategy, np.arange(60) % 2, 1, groups):
        assert not set(groups[train]) & set(groups[validation])


def test_too_few_groups_are_refused():
    with pytest.raises(BadRequest, match="2 groups of rows are too few for KFold"):
        checked_splits(KFold(3), np.arange(60) % 2, 1, np.arange(60) % 2)
