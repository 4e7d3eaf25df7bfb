"""The public names: which they are, that they load late, and what is said where they can't be loaded."""

import ast
import importlib
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

import plumbline
from tests.stack import PLUMBLINE
from training.publishing.sources import code_sha256

ROOT = Path(plumbline.__file__).parent
SAMPLES = "training.data.samples"
"""Plumbline's own stand-ins for its own data: of no use for others'."""
DIGIT_PAIRS = list(itertools.product(range(10), repeat=2))


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run *code* as a script in *folder*, which is then the first place where Python looks."""
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)


def test_the_import_alone_loads_nothing(tmp_path):
    done = python("import sys; before = {*sys.modules}; import plumbline; print(*{*sys.modules} - before)", tmp_path)

    assert "plumbline" in done.stdout.split()
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded - {"plumbline"} <= sys.stdlib_module_names


def test_what_needs_no_tensorflow_loads_none(tmp_path):
    done = python("import sys; from plumbline import Labels, read_versions; print(*sys.modules)", tmp_path)

    assert done.returncode == 0, done.stderr
    assert not {"tensorflow", "keras", "training"} & {*done.stdout.split()}


def test_each_name_is_that_of_its_module():
    for name, module in plumbline.HOMES.items():
        assert getattr(plumbline, name) is getattr(importlib.import_module(module), name)
    assert set(plumbline.__all__) == set(plumbline.HOMES) <= set(dir(plumbline))
    with pytest.raises(AttributeError, match="module 'plumbline' has no attribute 'Nope'"):
        _ = plumbline.Nope


def test_what_our_own_tasks_import_is_public():
    imported = {
        alias.name
        for file in (ROOT / "training" / "tasks").glob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ImportFrom) and node.module != SAMPLES
        for alias in node.names
    }

    assert len(imported) > 20
    assert imported - set(plumbline.__all__) == set()


def test_a_name_whose_extra_is_not_installed_says_which_that_is(tmp_path):
    done = python("import sys; sys.modules['keras'] = None; from plumbline import Dense", tmp_path)

    assert done.stderr.endswith(
        "ImportError: plumbline.Dense needs keras, which is not installed here: pip install 'plumbline[train]'\n"
    )


@pytest.mark.parametrize("file", ["training/__init__.py", "training.py", "training/task.py"])
def test_a_namesake_of_our_package_is_named(tmp_path, file):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    if "/" in file:
        (tmp_path / "training" / "__init__.py").touch()
    done = python("from plumbline import Task", tmp_path)

    found = tmp_path / file.partition("/")[0]
    assert done.stderr.endswith(
        f"ImportError: {found} has the name of Plumbline's own package 'training', and Python can "
        "import only one of the two: rename yours\n"
    )


def test_a_folder_of_files_that_is_called_like_our_package_is_no_matter(tmp_path):
    (tmp_path / "training" / "cat").mkdir(parents=True)

    assert python("from plumbline import Labels, HoldOut", tmp_path).returncode == 0


def test_the_code_of_a_task_is_also_what_it_takes_from_here(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mycompany").mkdir()
    (tmp_path / "mycompany" / "churn.py").write_text("from plumbline import Dense")
    (tmp_path / "networks.py").write_text("ONE = 1")
    monkeypatch.setitem(plumbline.HOMES, "Late", "networks")
    before = code_sha256("mycompany.churn")
    (tmp_path / "networks.py").write_text("ONE = 2")

    assert code_sha256("mycompany.churn") != before


(SHOWN,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "training.md").read_text(), re.S)
"""The task file in docs/training.md."""


def test_the_task_file_that_is_shown_imports_nothing_of_ours_but_the_public_names():
    imports = [node for node in ast.walk(ast.parse(SHOWN)) if isinstance(node, ast.Import | ast.ImportFrom)]
    tops = {getattr(node, "module", None) or node.names[0].name for node in imports}

    assert tops - sys.stdlib_module_names == {"numpy", "plumbline"}


def test_the_task_file_that_is_shown_becomes_a_version(tmp_path):
    (tmp_path / "mycompany" / "tasks").mkdir(parents=True)
    (tmp_path / "mycompany" / "tasks" / "__init__.py").touch()
    (tmp_path / "mycompany" / "tasks" / "churn.py").write_text(SHOWN)
    (tmp_path / "data").mkdir()
    rows = [f"{minute},{call},{minute + call},{'yes' if minute + call > 9 else 'no'}" for minute, call in DIGIT_PAIRS]
    (tmp_path / "data" / "customers.csv").write_text("\n".join(["minutes,calls,complaints,left", *rows, ""]))

    command = [*PLUMBLINE, "train", "churn", "--tasks", "mycompany.tasks", "--data-dir", "data"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    (version,) = plumbline.read_versions(tmp_path / "models", "churn")
    assert (version.number, version.problem, version.provenance["data"]) == (1, "", "customers")
