from pathlib import Path

import pytest

from serving.runtime.storage import VersionPolicy, scan


def test_only_whole_numbers_are_versions(tmp_path: Path) -> None:
    for name in ("1", "0007", "-3", "abc", "8.tmp", "1_0", "٣", "9" * 30):
        (tmp_path / name).mkdir()
    (tmp_path / "2").touch()
    assert scan(tmp_path) == {number: tmp_path / name for number, name in ((1, "1"), (7, "0007"), (-3, "-3"), (2, "2"))}


def test_of_two_names_for_a_number_the_last_counts(tmp_path: Path) -> None:
    for name in ("07", "7", "007"):
        (tmp_path / name).mkdir()
    assert scan(tmp_path) == {7: tmp_path / "7"}


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        (VersionPolicy(), {9}),
        (VersionPolicy(latest=2), {5, 9}),
        (VersionPolicy(latest=7), {1, 5, 9}),
        (VersionPolicy(all=True), {1, 5, 9}),
        (VersionPolicy(specific=frozenset({1, 4})), {1}),
        (VersionPolicy(specific=frozenset({4})), set()),
        (VersionPolicy(specific=frozenset()), None),
    ],
)
def test_policies(policy: VersionPolicy, chosen: set[int] | None) -> None:
    assert policy.choose([5, 1, 9]) == chosen
