"""Task files of a user: old imports, and folders with the names of Plumbline's own packages."""

import pytest

from training.errors import BadRequest
from training.task import find_task


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, text=""):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("package", "statement", "place", "names"),
    [
        ("old1", "from training.datasets import Dataset, Part", "line 2", "Dataset, Part"),  # a module that has moved
        ("old2", "from training.networks import Dense", "line 2", "Dense"),  # one that is a package now
        ("old3", "from training.protocols import (\n    HoldOut,\n    KFold as Folds,\n)", "line 2", "HoldOut, KFold"),
        ("old4", "from serving.predictor import Predictor", "line 2", "..."),
        ("old5", "import training.convolutions", "line 2", "..."),
    ],
)
def test_an_import_of_a_module_that_has_moved_is_told_the_public_names(write, package, statement, place, names):
    file = write(f"{package}/churn.py", f"\n{statement}\n")

    with pytest.raises(BadRequest) as caught:
        find_task("churn", package)
    assert str(caught.value).startswith(f"{file}, {place}: ")
    assert str(caught.value).endswith(
        f"modules of Plumbline may move between releases; write `from plumbline import {names}`"
    )


@pytest.mark.parametrize(
    ("package", "file", "text"),
    [
        ("training.tasks", "training/tasks/churn.py", "TASK = None"),  # ours has no such model
        ("training.own", "training/own/churn.py", "TASK = None"),  # ours has no such package
        ("serving", "serving/churn.py", "TASK = None"),
        ("mine1", "mine1/churn.py", "from training.helpers import words"),
        ("mine2", "mine2/churn.py", "from serving import helpers"),
    ],
)
def test_a_folder_that_is_called_like_one_of_ours_is_named(write, tmp_path, package, file, text):
    write(file, text)
    ours = "serving" if "serving" in package + text else "training"
    write(f"{ours}/__init__.py")

    with pytest.raises(BadRequest) as caught:
        find_task("churn", package)
    assert f"{tmp_path / ours} has the name of Plumbline's own package '{ours}'" in str(caught.value)
    assert str(caught.value).endswith("rename yours")


def test_what_is_wrong_with_the_installation_is_told_at_the_authors_line(write, monkeypatch):
    import plumbline

    monkeypatch.setitem(plumbline.HOMES, "Unloadable", "training.unloadable")
    file = write("lacks/churn.py", "\n\nfrom plumbline import Unloadable")

    with pytest.raises(BadRequest) as caught:
        find_task("churn", "lacks")
    assert str(caught.value).startswith(f"{file}, line 3: plumbline.Unloadable needs training.unloadable")
