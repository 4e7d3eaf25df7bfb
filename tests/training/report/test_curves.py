import math

import numpy as np

from training.report.curves import Onset, Span, lowest, mean_line, onsets, spans

FAST = {"head": {"loss": [3, 2], "val_loss": [3, 2]}, "tuning": {"loss": [1], "val_loss": [2]}}
SLOW = {"head": {"loss": [4, 3, 2], "val_loss": [4, 3, 5]}, "tuning": {"loss": [2, 1], "val_loss": [1, 3]}}


def test_a_stage_begins_where_the_slowest_fold_ends_the_one_before():
    assert spans([FAST, SLOW]) == (Span("head", 0, 3), Span("tuning", 3, 2))


def test_the_mean_goes_up_to_the_last_epoch_that_every_fold_reached():
    epochs, values = mean_line([FAST, SLOW], Span("tuning", 3, 2), "val_loss")

    assert epochs.tolist() == [4]
    assert values.tolist() == [1.5]


def test_overfitting_begins_at_the_lowest_mean_validation_loss_of_a_stage():
    rises = {"training": {"val_loss": [3.0, 1.0, 2.0, 4.0]}}
    noisy = {"training": {"val_loss": [3.0, 2.0, 1.5, 5.0]}}

    assert onsets([rises, noisy]) == (Onset("training", 2, 4, 1.5, 2, begins=True),)


def test_a_loss_that_still_falls_shows_no_overfitting():
    assert [(onset.stage, onset.position, onset.begins) for onset in onsets([FAST])] == [
        ("head", 2, False),
        ("tuning", 3, False),
    ]


def test_a_run_without_validation_has_no_onset():
    assert onsets([{"training": {"loss": [1.0]}}]) == ()
    assert onsets([{"training": {"val_loss": [math.nan]}}]) == ()
    assert onsets([]) == ()


def test_a_loss_that_is_no_number_is_never_the_lowest():
    assert lowest([math.nan, 2.0, 1.0, math.inf]) == 2
    assert lowest(np.array([math.nan])) == 0
