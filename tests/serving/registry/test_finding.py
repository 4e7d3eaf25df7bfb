"""Which folders are models, which are left out and why, and what it costs to look again."""

import os
import shutil
from pathlib import Path

import pytest

from serving.registry import finding
from serving.registry.finding import ModelFinder, is_replaced
from serving.registry.versions import CONTRACT
from tests.serving.contracts import tabular_contract
from tests.serving.registry.folders import write_version


def write_model(models_dir: Path, model: str, version: int = 1) -> Path:
    write_version(models_dir / model / str(version), document=tabular_contract(model).to_json())
    return models_dir / model


def test_models_are_found_and_each_that_can_not_be_served_is_named_with_its_reason(tmp_path: Path) -> None:
    write_model(tmp_path, "good")
    (tmp_path / "linked").symlink_to(write_model(tmp_path / "elsewhere", "linked"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    write_model(tmp_path, "Big Name")
    write_model(tmp_path, "line\nbreak")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    write_model(tmp_path, "x" * 101)
    shutil.copytree(tmp_path / "good", tmp_path / "copied")
    write_version(tmp_path / "garbled" / "3", document="{")
    write_version(tmp_path / "lacking" / "1", document=tabular_contract("lacking").to_json().replace("number", "hum"))
    os.mkfifo(_without_contract(tmp_path, "pipe") / CONTRACT)
    (_without_contract(tmp_path, "half") / "assets.extra").rmdir()
    (write_model(tmp_path, "graphless") / "1" / "saved_model.pb").unlink()
    for other in (".staging", "lost+found"):
        (tmp_path / other).mkdir()
    (tmp_path / "README.md").write_text("not a model")
    (tmp_path / "file").write_text("not a model")

    found = ModelFinder(tmp_path).find()

    assert set(found.models) == {"good", "linked"}
    expected = {
        "elsewhere": "it has no version yet: expected a folder with a number as its name",
        "empty": "it has no version yet: expected a folder with a number as its name",
        "dangling": f"it is a link to {tmp_path}/nowhere, which is not there",
        "Big Name": "expected a model's name of at most 100 small letters, digits, _ and -",
        "line\\nbreak": "expected a model's name of at most 100 small letters, digits, _ and -",
        "x" * 101: "expected a model's name of at most 100 small letters, digits, _ and -",
        "copied": f"version 1 is not to be served: {CONTRACT}: it is the contract of good",
        "garbled": f"version 3 is not to be served: {CONTRACT}: not a contract: ",
        "lacking": f"version 1 is not to be served: {CONTRACT}: ",
        "pipe": f"version 1 is not to be served: {CONTRACT}: expected a file",
        "half": f"version 1 is not to be served: {CONTRACT}: No such file or directory",
        "graphless": "version 1 is not to be served: saved_model.pb is missing",
    }
    assert found.left_out.keys() == expected.keys()
    for model, reason in found.left_out.items():
        assert reason.startswith(expected[model])


def _without_contract(models_dir: Path, model: str) -> Path:
    version = write_model(models_dir, model) / "1"
    (version / CONTRACT).unlink()
    return version


def test_what_can_not_be_listed_is_left_out_unless_it_was_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in ("served", "other"):
        write_model(tmp_path, model)
    (tmp_path / "lost+found").mkdir()
    finder = ModelFinder(tmp_path)
    shutil.move(tmp_path / "other", tmp_path / ".other")
    assert set(finder.find().models) == {"served"}
    shutil.move(tmp_path / ".other", tmp_path / "other")

    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(finding, "scan", refuse)
    found = finder.find()
    assert set(found.models) == {"served"}
    assert found.left_out == {"other": "its folder can't be listed: Permission denied"}


def test_contracts_are_read_once_and_again_when_their_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    why_unfit = finding.why_unfit
    monkeypatch.setattr(finding, "why_unfit", lambda folder, model: read.append(model) or why_unfit(folder, model))
    write_model(tmp_path, "good")
    write_version(tmp_path / "bad" / "1", document="{")
    finder = ModelFinder(tmp_path)
    for _ in range(3):
        finder.find()
    write_model(tmp_path, "good", 2)  # which the model server looks after
    finder.find()
    assert sorted(read) == ["bad", "good"]
    write_model(tmp_path, "bad")
    assert set(finder.find().models) == {"good", "bad"}
    assert sorted(read) == ["bad", "bad", "good"]


def test_a_contract_that_fails_in_its_own_way_is_a_reason_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path, model: str) -> str:
        raise ZeroDivisionError("own kind")

    write_model(tmp_path, "odd")
    monkeypatch.setattr(finding, "why_unfit", fail)
    assert "ZeroDivisionError('own kind')" in ModelFinder(tmp_path).find().left_out["odd"]


def test_a_model_whose_versions_are_all_others_was_replaced() -> None:
    first, other = (1, 10, 100), (2, 20, 200)
    assert not is_replaced({1: first}, {1: first, 2: other})
    assert not is_replaced({1: first, 2: other}, {2: other, 3: first})
    assert not is_replaced({1: first}, {2: other})
    assert is_replaced({1: first}, {1: other})
    assert is_replaced({1: first}, {1: other, 2: first})


def test_no_more_than_a_number_is_served_and_none_is_pushed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MAX_MODELS", 2)
    monkeypatch.setattr(finding, "_MAX_LEFT_OUT", 2)
    for model in ("m", "n"):
        write_model(tmp_path, model)
    finder = ModelFinder(tmp_path)
    finder.find()
    for model in ("a", "b", "c", "d"):
        write_model(tmp_path, model)
    found = finder.find()
    assert list(found.models) == ["m", "n"]
    assert list(found.left_out) == ["a", "b"]
    assert found.left_out["a"] == "at most 2 models are found in a folder; remove some, or list those to serve"
    assert found.left_out["b"].endswith(" (2 more folders are left out, too)")
    shutil.rmtree(tmp_path / "m")
    assert list(finder.find().models) == ["a", "n"]


def test_a_folder_that_can_not_be_listed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ModelFinder(tmp_path / "gone").find()
