import contextlib
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.registry import RegistryError, promote, prune, read_versions, removable, rollback
from serving.registry.errors import NothingEarlier
from tests.serving.registry.folders import MODEL, content, contract, numbers, publish_version

SAMPLE = contract(data="sample").to_json()


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """Versions 1, 2 and 3, with a, b and c in them."""
    for letter in "abc":
        publish_version(tmp_path, letter)
    return tmp_path


def contents(models_dir: Path) -> str:
    return "".join(content(models_dir, number) for number in numbers(models_dir))


def test_promoting_brings_the_content_back_under_the_next_number(models_dir: Path) -> None:
    done = promote(models_dir, MODEL, 1)

    assert (done.copied, done.version, done.replaced) == (1, 4, 3)
    assert contents(models_dir) == "abca"
    note = json.loads((models_dir / MODEL / "4" / "assets.extra" / "promoted_from.json").read_text())
    assert (note["version"], note["command"]) == (1, "promote")


def test_promoted_files_take_no_room_and_outlive_their_original(models_dir: Path) -> None:
    promote(models_dir, MODEL, 1)
    assert os.stat(models_dir / MODEL / "4" / "saved_model.pb").st_nlink == 2
    prune(models_dir, MODEL, 2)

    assert contents(models_dir) == "ca"


def test_where_there_are_no_hard_links_files_are_copied(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError("no hard links")

    monkeypatch.setattr(os, "link", refuse)
    promote(models_dir, MODEL, 1)

    assert contents(models_dir) == "abca"
    assert os.stat(models_dir / MODEL / "4" / "saved_model.pb").st_nlink == 1


def test_promoting_a_copy_leaves_the_copy_s_own_note_alone(models_dir: Path) -> None:
    promote(models_dir, MODEL, 1)
    promote(models_dir, MODEL, 4)

    notes = [version.promoted_from for version in read_versions(models_dir, MODEL)[-2:]]
    assert [note.version for note in notes if note] == [1, 4]


def test_the_newest_can_be_promoted_to_be_loaded_again(models_dir: Path) -> None:
    assert promote(models_dir, MODEL, 3).version == 4


def test_an_unknown_version_is_named_with_those_that_there_are(models_dir: Path) -> None:
    with pytest.raises(RegistryError, match="house_price: there is no version 9; there are 1, 2, 3"):
        promote(models_dir, MODEL, 9)


def test_a_broken_version_is_not_promoted_and_passed_over_by_a_rollback(models_dir: Path) -> None:
    (models_dir / MODEL / "2" / "saved_model.pb").unlink()

    with pytest.raises(RegistryError, match=r"version 2 is not to be served: saved_model.pb is missing"):
        promote(models_dir, MODEL, 2)
    assert rollback(models_dir, MODEL).copied == 1


def test_a_sample_s_version_never_replaces_a_real_one(tmp_path: Path) -> None:
    publish_version(tmp_path, document=SAMPLE)
    publish_version(tmp_path)

    with pytest.raises(RegistryError, match="version 1 is not to be served: it was trained on the built-in sample"):
        promote(tmp_path, MODEL, 1)
    with pytest.raises(RegistryError, match="nothing to roll back to from version 2; version 1: it was trained on the"):
        rollback(tmp_path, MODEL)
    assert numbers(tmp_path) == [1, 2]


def test_a_sample_s_version_may_replace_a_sample_s(tmp_path: Path) -> None:
    for letter in "ab":
        publish_version(tmp_path, letter, SAMPLE)
    rollback(tmp_path, MODEL)

    assert contents(tmp_path) == "aba"


def test_rolling_back_again_goes_back_further_until_nothing_is_left(models_dir: Path) -> None:
    assert [rollback(models_dir, MODEL).copied for _ in range(2)] == [2, 1]
    assert contents(models_dir) == "abcba"
    with pytest.raises(RegistryError, match=r"house_price: nothing to roll back to from version 5$"):
        rollback(models_dir, MODEL)


def test_rolling_back_what_was_trained_after_a_rollback_does_not_bring_back_the_bad_one(models_dir: Path) -> None:
    rollback(models_dir, MODEL)
    publish_version(models_dir, "d")
    rollback(models_dir, MODEL)

    assert contents(models_dir) == "abcbdb"


def test_a_broken_version_was_never_live_so_rolling_back_starts_below_it(models_dir: Path) -> None:
    shutil.rmtree(models_dir / MODEL / "3" / "assets.extra")
    done = rollback(models_dir, MODEL)

    assert (done.copied, done.version, done.replaced) == (1, 4, 2)


def test_a_model_with_broken_versions_only_can_t_be_rolled_back(models_dir: Path) -> None:
    for number in numbers(models_dir):
        (models_dir / MODEL / str(number) / "saved_model.pb").unlink()

    with pytest.raises(RegistryError, match=r"nothing to roll back to from version 3; version 2: saved_model.pb is"):
        rollback(models_dir, MODEL)


def test_pruning_keeps_the_newest(models_dir: Path) -> None:
    assert prune(models_dir, MODEL, 2) == [1]
    assert contents(models_dir) == "bc"
    assert [path.name for path in (models_dir / ".staging").iterdir()] == ["lock"]
    assert publish_version(models_dir) == 4


@pytest.mark.parametrize("keep", [-1, 0, 1])
def test_pruning_never_takes_a_version_that_is_served(models_dir: Path, keep: int) -> None:
    assert prune(models_dir, MODEL, keep) == [1]


def test_pruning_never_takes_a_version_that_is_in_use(models_dir: Path) -> None:
    publish_version(models_dir, "d")

    assert prune(models_dir, MODEL, 2, {1, 9}) == [2]
    assert contents(models_dir) == "acd"


def test_pruning_keeps_unbroken_versions_that_stand_in_for_broken_ones(models_dir: Path) -> None:
    for number in (2, 3):
        (models_dir / MODEL / str(number) / "saved_model.pb").unlink()
    publish_version(models_dir, "d")

    assert removable(read_versions(models_dir, MODEL), 2) == [2]


def test_pruning_removes_a_number_under_all_its_names(models_dir: Path) -> None:
    shutil.copytree(models_dir / MODEL / "1", models_dir / MODEL / "001")
    prune(models_dir, MODEL, 2)

    assert contents(models_dir) == "bc"


actions = st.lists(
    st.one_of(
        st.just(("publish", 0)),
        st.just(("rollback", 0)),
        st.tuples(st.just("promote"), st.integers(0, 5)),
    ),
    max_size=8,
)


@given(actions)
@settings(max_examples=15, deadline=None)
def test_rollback_undoes_what_publish_and_promote_did(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:  # type: ignore[type-arg]
    models_dir = tmp_path_factory.mktemp("models")
    publish_version(models_dir, "0")
    stack = ["0"]
    for turn, (action, choice) in enumerate(steps, 1):
        there = numbers(models_dir)
        if action == "publish":
            stack.append(str(turn))
            publish_version(models_dir, str(turn))
        elif action == "promote":
            stack.append(content(models_dir, there[choice % len(there)]))
            promote(models_dir, MODEL, there[choice % len(there)])
        elif len(stack) > 1:
            stack.pop()
            rollback(models_dir, MODEL)
        else:
            with pytest.raises(RegistryError):
                rollback(models_dir, MODEL)

        assert content(models_dir, numbers(models_dir)[-1]) == stack[-1]


upkeep = st.lists(st.sampled_from(["publish", "promote", "rollback", "prune", "lose newest", "lose all"]), max_size=9)


@given(upkeep)
@settings(max_examples=15, deadline=None)
def test_no_number_is_ever_used_twice(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    models_dir = tmp_path_factory.mktemp("models")
    seen = [publish_version(models_dir)]
    for step in steps:
        there = numbers(models_dir)
        if step == "publish" or not there:
            seen.append(publish_version(models_dir))
        elif step == "promote":
            seen.append(promote(models_dir, MODEL, there[0]).version)
        elif step == "rollback" and len(there) > 1:
            with contextlib.suppress(NothingEarlier):
                seen.append(rollback(models_dir, MODEL).version)
        elif step == "prune":
            assert not set(prune(models_dir, MODEL, 2)) & set(there[-2:])
        else:
            for number in there if step == "lose all" else there[-1:]:
                shutil.rmtree(models_dir / MODEL / str(number))

    assert seen == list(range(1, len(seen) + 1))
