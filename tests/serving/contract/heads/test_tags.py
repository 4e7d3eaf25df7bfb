import numpy as np
import pytest

from serving.contract.heads.tags import TagSet

TAGS = TagSet(("grain", "corn", "oil"), (0.5, 0.25, 0.9))


def test_tags_are_those_that_reach_their_own_threshold_best_first():
    scores = np.array([[0.5, 0.6, 0.89], [0.49, 0.2, 0.1], [0.7, 0.6, 0.95]], np.float32)

    assert TAGS.answers(scores) == [
        {"tags": ["corn", "grain"], "scores": {"grain": 0.5, "corn": 0.6, "oil": 0.89}},
        {"tags": [], "scores": {"grain": 0.49, "corn": 0.2, "oil": 0.1}},
        {"tags": ["oil", "grain", "corn"], "scores": {"grain": 0.7, "corn": 0.6, "oil": 0.95}},
    ]


def test_other_tags_are_a_differing_answer_whatever_their_order():
    values = np.array([[0.5, 0.6, 0], [0.49, 0.2, 0.1]], np.float32)
    expected = np.array([[0.6, 0.5, 0], [0.5, 0.2, 0.1]], np.float32)

    assert TAGS.differing(values, expected) == [1]


def test_tags_are_counted_and_the_best_score_and_their_number_are_measured():
    measured = TAGS.measured("topics", np.array([[0.5, 0.75, 0], [0.25, 0, 0]], np.float32))

    assert TAGS.measures("topics") == ("topics.score", "topics.tags")
    assert measured.values.tolist() == [[0.75, 2], [0.25, 0]]
    assert TAGS.categories("topics") == {"topics.tag": ("grain", "corn", "oil")}
    assert measured.totals["topics.tag"].tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("names", "thresholds", "message"),
    [((), (), "names"), (("a", "a"), (0.5, 0.5), "names"), (("a",), (), "thresholds"), (("a",), (1.5,), "thresholds")],
)
def test_tags_that_cannot_be_are_refused(names, thresholds, message):
    with pytest.raises(ValueError, match=message):
        TagSet(names, thresholds)
