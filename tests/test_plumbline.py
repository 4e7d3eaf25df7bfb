"""The public names: which they are, that they load late, and what is said where they can't be loaded."""

import ast
import importlib
import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
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


TRAINING = (ROOT / "docs" / "training.md").read_text()
SHOWN, RECIPE, ENCODER = re.findall(r"```python\n(.*?)```", TRAINING, re.S)
"""The task file in docs/training.md, the recipe, and the package of an encoder."""
(PROJECT,) = re.findall(r"```toml\n(.*?)```", TRAINING, re.S)


@pytest.mark.parametrize(("code", "others"), [(SHOWN, {"numpy"}), (RECIPE, {"keras"}), (ENCODER, set())])
def test_what_is_shown_imports_nothing_of_ours_but_the_public_names(code, others):
    imports = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
    tops = {(getattr(node, "module", None) or node.names[0].name).partition(".")[0] for node in imports}

    assert tops - sys.stdlib_module_names == {"plumbline"} | others


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


def test_the_recipe_and_the_encoder_that_are_shown_train_and_need_their_package(tmp_path):
    (tmp_path / "mycompany" / "tasks").mkdir(parents=True)
    (tmp_path / "mycompany" / "tasks" / "__init__.py").touch()
    (tmp_path / "mycompany" / "recipes.py").write_text(RECIPE)
    task = SHOWN.replace("fit=tabular_scaler", "fit=record_fitter(KINDS)")
    task = task.replace("import BINARY", "import BINARY, Number, record_fitter")
    task = task.replace("Dense(units=(8,), epochs=60", "Stacked(epochs=60").replace(
        '"baseline": Stacked', '"stacked": Stacked'
    )
    task = task.replace('sample_recipes={"baseline"', 'sample_recipes={"stacked"')
    kinds = 'KINDS = {"minutes": Number.fit, "calls": Number.fit, "complaints": Decibels.fit}\n'
    imports = "from mycompany.recipes import Stacked\nfrom own_kinds import Decibels\n"
    task = task.replace('"""\n', f'"""\n{imports}', 1).replace("TASK =", f"{kinds}TASK =")
    (tmp_path / "mycompany" / "tasks" / "churn.py").write_text(task)
    (tmp_path / "site" / "own_kinds").mkdir(parents=True)
    (tmp_path / "site" / "own_kinds" / "__init__.py").write_text(ENCODER)
    _install(tmp_path / "site", tomllib.loads(PROJECT)["project"])
    (tmp_path / "data").mkdir()
    rows = [f"{minute},{call},{minute + call},{'yes' if minute + call > 9 else 'no'}" for minute, call in DIGIT_PAIRS]
    (tmp_path / "data" / "customers.csv").write_text("\n".join(["minutes,calls,complaints,left", *rows, ""]))

    def run(*words: str, path: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([path, os.environ.get("PYTHONPATH", "")])}
        command = [*PLUMBLINE, *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    done = run("train", "churn", "--tasks", "mycompany.tasks", "--data-dir", "data", path="site")
    assert done.returncode == 0, done.stdout + done.stderr
    contract = json.loads((tmp_path / "models" / "churn" / "1" / "assets.extra" / "contract.json").read_text())
    assert contract["provenance"]["recipe"] == "stacked"

    score = ["score", "data/customers.csv", "--model", "churn", "--in-process", "--output"]
    with_package = run(*score, "answers.csv", path="site")
    assert with_package.returncode == 0, with_package.stderr
    without = run(*score, "others.csv", path="")
    assert without.returncode == 2
    assert "the encoder kind 'decibels' needs the package own-kinds 1.2" in without.stderr


def _install(site: Path, project: dict) -> None:
    """Write what an installer writes of a package's name, version and entry points."""
    info = site / f"own_kinds-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {place}" for name, place in entries.items())])
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups) + "\n")
