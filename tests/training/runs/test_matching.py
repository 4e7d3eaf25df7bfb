from training.runs.matching import match


def test_rows_are_found_wherever_they_stand():
    matched = match([("a", "yes"), ("b", "no"), ("c", "no")], [("c", "no"), ("x", "no"), ("a", "yes")])

    assert list(zip(matched.first.tolist(), matched.second.tolist(), strict=True)) == [(2, 0), (0, 2)]
    assert (len(matched), matched.only_first, matched.only_second, matched.relabelled) == (2, 1, 1, 0)


def test_of_equal_rows_each_is_matched_once_in_order():
    matched = match([("a", "1"), ("a", "1"), ("a", "1")], [("a", "1"), ("a", "1")])

    assert (matched.first.tolist(), matched.second.tolist()) == ([0, 1], [0, 1])
    assert (matched.only_first, matched.only_second) == (1, 0)


def test_an_instance_with_another_target_is_no_pair():
    matched = match([("a", "yes"), ("b", "no"), ("b", "no")], [("a", "no"), ("b", "no")])

    assert (matched.first.tolist(), matched.second.tolist()) == ([1], [1])
    assert (matched.relabelled, matched.only_first, matched.only_second) == (1, 1, 0)
