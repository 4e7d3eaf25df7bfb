import numpy as np
import pytest
from hypothesis import strategies as st

from serving.contract.heads.labels import Labels

names = st.lists(st.text(max_size=4), min_size=2, max_size=6, unique=True)
few = st.sampled_from([0.0, 0.25, 0.5, 1.0])  # ties


def test_one_sigmoid_score_is_that_of_the_second_label():
    assert Labels(("negative", "positive"), top=2).answers(np.array([[0.97], [0.25]], np.float32)) == [
        {"label": "positive", "score": 0.97, "scores": {"positive": 0.97, "negative": 0.03}},
        {"label": "negative", "score": 0.75, "scores": {"negative": 0.75, "positive": 0.25}},
    ]


def test_another_label_is_a_differing_answer_whatever_the_numbers():
    labels = Labels(("a", "b", "c"), top=1)
    values = np.array([[0.4, 0.5, 0.1], [0.9, 0.1, 0]], np.float32)
    expected = np.array([[0.5, 0.4, 0.1], [0.5, 0.4, 0.1]], np.float32)

    assert labels.differing(values, expected) == [0]


@pytest.mark.parametrize(
    ("names", "top", "message"), [((), 1, "names"), (("a", "a"), 1, "names"), (("a", "b"), 0, "top")]
)
def test_labels_that_cannot_be_are_refused(names, top, message):
    with pytest.raises(ValueError, match=message):
        Labels(names, top)
