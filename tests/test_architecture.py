"""README and docs/architecture.md name the packages that there are, in the order of import-linter's layers."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs" / "architecture.md").read_text()
ROWS = dict(re.findall(r"^\| `((?:serving|training)/\w+)/` \| (.*)$", PAGE, re.M))
"""Package -> what the page says of it."""
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def packages(pattern: str) -> set[str]:
    return {file.parent.relative_to(ROOT).as_posix() for file in ROOT.glob(pattern)}


def layers(top: str) -> list[str]:
    """List the packages of *top* in the order that import-linter keeps them in, from the top down."""
    (contract,) = [each for each in LINTER if each.get("containers") == [top]]
    names = [name.strip() for layer in contract["layers"] for name in re.split(r"[|:]", layer)]
    return [f"{top}/{name}" for name in names if (ROOT / top / name).is_dir()]


@pytest.mark.parametrize("top", ["serving", "training"])
def test_each_package_is_listed_once_and_no_other(top):
    tree = packages(f"{top}/*/__init__.py")
    listed = re.findall(rf"^    ({top}/\w+)/ ", README, re.M)

    assert len(tree) >= 10
    assert sorted(listed) == sorted(tree)
    assert sorted(package for package in ROWS if package.startswith(top)) == sorted(tree)


@pytest.mark.parametrize("package", sorted(packages("serving/*/*/__init__.py") | packages("training/*/*/__init__.py")))
def test_a_package_within_a_package_is_named_in_its_row(package):
    parent, _, name = package.rpartition("/")

    assert f"`{name}/`" in ROWS[parent]


@pytest.mark.parametrize("top", ["serving", "training"])
def test_the_rows_have_the_order_of_the_layers(top):
    listed = re.findall(rf"^    ({top}/\w+)/ ", README, re.M)

    assert len(layers(top)) >= 8
    assert [package for package in ROWS if package.startswith(top)] == layers(top)
    assert listed == layers(top)


def test_each_folder_at_the_top_is_listed():
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))}
    listed = set(re.findall(r"^    (\w+)/ ", README, re.M))

    assert listed == folders - ignored
    for name in folders - ignored - {"docs", "requirements", "proto", "compose", "k8s", "training", "serving"}:
        assert f"`{name}/`" in PAGE


def test_the_columns_of_the_readme_line_up():
    tree = re.findall(r"^    (?:[\w./]+)( +)\S", README[README.index("    plumbline.py ") :], re.M)
    lines = [line for line in README.splitlines() if re.match(r"    [\w.]+[/.]\S* +\S", line)]

    assert len(tree) > 30
    assert {re.match(r"    \S+ +", line).end() for line in lines} == {29}
