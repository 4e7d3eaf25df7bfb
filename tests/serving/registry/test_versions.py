import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.registry import RegistryError, is_sample, live_version, model_names, read_versions, scan
from serving.registry.versions import PROMOTED_FROM, state
from tests.serving.registry.folders import MODEL, REAL, contract, publish_version, write_version


def test_only_whole_numbers_are_versions(tmp_path: Path) -> None:
    for name in ("1", "0007", "-3", "abc", "8.tmp", "1_0", "٣", "9" * 30, "1" * 255, ".highest_version"):
        (tmp_path / name).mkdir()
    (tmp_path / "2").touch()

    assert scan(tmp_path) == {number: tmp_path / name for number, name in ((-3, "-3"), (1, "1"), (2, "2"), (7, "0007"))}
    assert list(scan(tmp_path)) == [-3, 1, 2, 7]


def test_of_two_names_for_a_number_the_last_counts(tmp_path: Path) -> None:
    for name in ("07", "7", "007"):
        (tmp_path / name).mkdir()

    assert scan(tmp_path) == {7: tmp_path / "7"}


def test_a_folder_without_versions_is_no_model(tmp_path: Path) -> None:
    for name in ("m/1", "empty", ".staging/9", "other/notes"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").touch()

    assert model_names(tmp_path) == ["m"]


def test_what_a_version_says_of_itself(tmp_path: Path) -> None:
    publish_version(tmp_path, document=contract(data="sample").to_json())
    (version,) = read_versions(tmp_path, MODEL)

    assert (version.number, version.path, version.problem) == (1, tmp_path / MODEL / "1", "")
    assert version.contract is not None
    assert is_sample(version.contract)
    assert version.provenance["data"] == "sample"


BROKEN = {
    "assets.extra/contract.json: No such file or directory": lambda path: (
        path / "assets.extra/contract.json"
    ).unlink(),
    "not a contract: Expecting property name": lambda path: (path / "assets.extra/contract.json").write_text(REAL[:99]),
    "it is the contract of zebra": lambda path: (path / "assets.extra/contract.json").write_text(
        REAL.replace(MODEL, "zebra")
    ),
    "expected an object": lambda path: (path / "assets.extra/contract.json").write_text(
        json.dumps({**json.loads(REAL), "provenance": []})
    ),
    "saved_model.pb is missing": lambda path: (path / "saved_model.pb").unlink(),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_a_broken_version_is_listed_with_its_problem_and_never_the_newest(tmp_path: Path, problem: str) -> None:
    publish_version(tmp_path)
    publish_version(tmp_path)
    BROKEN[problem](tmp_path / MODEL / "2")
    versions = read_versions(tmp_path, MODEL)

    assert [version.number for version in versions] == [1, 2]
    assert problem in versions[1].problem
    assert [state(version, versions) for version in versions] == ["newest", "broken"]
    live = live_version(tmp_path, MODEL)
    assert live is not None
    assert live.number == 1


def test_a_file_with_a_number_for_a_name_is_broken(tmp_path: Path) -> None:
    (tmp_path / MODEL).mkdir()
    (tmp_path / MODEL / "3").touch()

    assert "Not a directory" in read_versions(tmp_path, MODEL)[0].problem
    assert live_version(tmp_path, MODEL) is None


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_contract_is_so_broken_that_reading_fails(tmp_path: Path, data: st.DataObject) -> None:
    document = json.loads(REAL)
    place = data.draw(st.sampled_from(sorted(document)))
    value = data.draw(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()), st.just({})))
    write_version(tmp_path / MODEL / "1", document=json.dumps({**document, place: value}))

    (version,) = read_versions(tmp_path, MODEL)

    assert (version.contract is None) == bool(version.problem)


def test_the_newest_is_called_so_and_one_more_is_kept(tmp_path: Path) -> None:
    for _ in range(4):
        publish_version(tmp_path)
    versions = read_versions(tmp_path, MODEL)

    assert [state(version, versions) for version in versions] == ["idle", "idle", "kept", "newest"]


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"version": 1, "back_to": "x", "command": "", "at": ""}'])
def test_a_spoilt_note_does_no_harm(tmp_path: Path, note: str) -> None:
    publish_version(tmp_path)
    (tmp_path / MODEL / "1" / PROMOTED_FROM).write_text(note)
    (version,) = read_versions(tmp_path, MODEL)

    assert (version.problem, version.promoted_from) == ("", None)


def test_an_unknown_model_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    publish_version(tmp_path)

    with pytest.raises(RegistryError, match="holds no model 'zebra'; there are house_price"):
        read_versions(tmp_path, "zebra")


def test_nothing_here_needs_tensorflow_or_a_transport() -> None:
    code = "import sys, serving.commands.model_versions; print({'tensorflow', 'flask', 'grpc'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
