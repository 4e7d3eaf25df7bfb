import re

import numpy as np
import pytest

from tests.training.report import records
from training.report.curves import onsets
from training.report.figures import confusion, predicted_by_true, score_histogram
from training.report.learning import learning_curves
from training.report.style import svg

RUN = {"training": records.CURVES}


def test_the_epoch_where_overfitting_begins_is_marked_in_words():
    axes = learning_curves([RUN, RUN], RUN, "loss", "loss", onsets([RUN])).axes[0]

    assert "overfits after epoch 2" in [text.get_text() for text in axes.texts]
    assert [line.get_xdata() for line in axes.lines if line.get_linestyle() == "-."] == [[2, 2]]


def test_folds_are_thin_and_their_mean_is_bold():
    axes = learning_curves([RUN, RUN, RUN], RUN, "accuracy", "accuracy", ()).axes[0]

    names = axes.get_legend_handles_labels()[1]
    assert names == ["training, mean of 3 folds", "validation, mean of 3 folds", "final training, all rows"]
    assert sorted(line.get_linewidth() for line in axes.lines) == [*[0.8] * 6, 1.4, 2.2, 2.2]


def test_stages_are_named_and_divided():
    run = {"frozen base": records.CURVES, "fine-tuning": records.CURVES}

    axes = learning_curves([run], run, "loss", "loss", onsets([run])).axes[0]

    assert {"frozen base", "fine-tuning", "overfits after epoch 6"} <= {text.get_text() for text in axes.texts}


def test_a_label_that_begins_with_an_underscore_is_in_the_legend():
    drawn = score_histogram(np.array([0.1, 0.9]), np.array([0, 1]), ["_none", "some"])

    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["_none", "some"]
    assert "_none" in svg(drawn).decode()


def test_a_steep_loss_has_a_logarithmic_axis():
    steep = {"training": {"loss": [500.0, 5.0]}}

    assert learning_curves([steep], {}, "loss", "loss", ()).axes[0].get_yscale() == "log"
    assert learning_curves([RUN], {}, "loss", "loss", ()).axes[0].get_yscale() == "linear"


@pytest.mark.parametrize("values", [[0.5], [float("nan"), 1.0], [float("inf"), float("nan")], [0.0, 100.0]])
def test_odd_curves_are_drawn_too(values):
    svg(learning_curves([{"training": {"loss": values, "val_loss": values}}], {}, "loss", "loss", ()))


def test_a_class_without_rows_has_no_shares():
    drawn = confusion(np.array([[3, 1], [0, 0]]))

    assert drawn.axes[0].collections[0].get_array().mask.tolist() == [[False, False], [True, True]]


@pytest.mark.filterwarnings("error")
def test_a_figure_keeps_its_text_for_the_browser_and_has_colours_for_the_dark():
    run = {"京都": records.CURVES, "القاهرة": records.CURVES}

    drawn = svg(learning_curves([run], run, "loss", "loss", onsets([run]))).decode()

    assert ">京都</text>" in drawn
    assert ">القاهرة</text>" in drawn
    assert "fill: var(--1f2937)" in drawn
    assert "#0072b2; --d55e00" in drawn
    assert re.search(r"dark\) { :root { --1f2937: #e6e9ee;", drawn)
    assert drawn == svg(learning_curves([run], run, "loss", "loss", onsets([run]))).decode()


def test_many_points_are_pixels():
    few, many = (np.arange(rows, dtype=float) for rows in (10, 20_000))

    assert len(svg(predicted_by_true(many, many, ""))) < 5 * len(svg(predicted_by_true(few, few, "")))
