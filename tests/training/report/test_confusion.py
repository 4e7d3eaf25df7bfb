import numpy as np

from training.report.confusion import shaded


def test_the_shade_is_the_root_of_the_share_of_the_true_class():
    rows = shaded(np.array([[99, 1], [0, 0]]))

    assert [(cell.count, cell.shade, cell.is_strong) for cell in rows[0]] == [(99, 0.995, True), (1, 0.1, False)]
    assert [(cell.count, cell.shade) for cell in rows[1]] == [(0, 0), (0, 0)]
