"""CONTRIBUTING.md and its like name what there is, and pre-commit runs what `make lint` runs."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS = re.findall(r"^\$ (.*)$", GUIDE, re.M)
PYTEST = [shlex.split(command) for command in COMMANDS if command.startswith(".venv/bin/pytest")]
PLACES = ("serving/", "training/", "tests/", "docs/", "k8s/", "dashboards/", "proto/", "requirements/", "compose")
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md"))


def recipe(target: str) -> list[str]:
    """List the commands of a make target, as they are run."""
    lines = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.M)
    assert lines
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in lines[1].splitlines()]


def test_each_make_target_is_there():
    targets = set(re.findall(r"(?:`|\$ )make ([\w./-]+)", GUIDE))

    assert {"lint", "test", "proto", "dashboards", "lock"} <= targets
    assert [target for target in targets if not re.search(rf"^{re.escape(target)}:", MAKEFILE, re.M)] == []


def test_each_command_is_make_or_pytest():
    assert len(PYTEST) >= 2
    assert [command for command in COMMANDS if not command.startswith(("make ", ".venv/bin/pytest "))] == []


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md"])
def test_each_path_is_there(document):
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", text)
    named = [name for name in re.findall(r"`([\w./-]+)`", text) if name.startswith(PLACES) or name.endswith(".md")]

    assert len(links) + len(named) >= 3
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
)
def test_each_link_to_a_section_has_its_heading(document):
    path = ROOT / document
    for target, anchor in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", path.read_text()):
        linked = path.parent / target if target else path
        headings = re.findall(r"^#+ (.*)$", linked.read_text(), re.M)
        assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("words", PYTEST, ids=shlex.join)
def test_what_pytest_is_to_run_is_found(words):
    command = [str(ROOT / words[0]), *words[1:], "--collect-only", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout


def test_pre_commit_runs_the_checks_of_make_lint_from_the_environment():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == recipe("lint")
    assert {(hook["language"], hook["pass_filenames"]) for hook in repository["hooks"]} == {("system", False)}
    assert len({hook["id"] for hook in repository["hooks"]}) == len(repository["hooks"])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_what_it_is_for(template):
    _, matter, body = template.read_text().split("---\n", 2)

    assert {"name", "about"} <= yaml.safe_load(matter).keys()
    assert body.strip()


def test_there_are_templates():
    assert len(TEMPLATES) >= 2
    assert yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml").read_text()) == {
        "blank_issues_enabled": False
    }
    assert "CHANGELOG.md" in (ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md").read_text()
