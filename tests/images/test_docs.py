"""What docs/images.md and the Dockerfiles say fits together; needs no container engine."""

import itertools
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from serving.commands.main import main
from serving.gateway.settings import Settings
from tests.test_readme import CONTAINERS

ROOT = Path(__file__).parent.parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
DOCKERFILES = sorted(ROOT.glob("Dockerfile.*"))
BUILDS = [command for command in CONTAINERS if command.startswith("docker build")]
RUNS = [command for command in CONTAINERS if command.startswith("docker run")]


def values(words: list[str], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(words) if name == option]


@pytest.mark.parametrize("command", BUILDS)
def test_what_is_built_has_its_file_its_stage_and_its_arguments(command):
    words = shlex.split(command)
    (file,), (tag,) = values(words, "-f"), values(words, "-t")
    text = (ROOT / file).read_text()
    target = (values(words, "--target") or ["serve" if "serve" in file else "train"])[0]
    stage = re.search(rf"^FROM \S+ AS {target}\n(.*?)(?=^FROM|\Z)", text, re.M | re.S)

    assert stage
    assert re.fullmatch(rf"(plumbline-{target}):{re.escape(VERSION)}(-gpu)?", tag)
    assert f'image.title="plumbline-{target}"' in stage[1]
    for name, value in (argument.split("=") for argument in values(words, "--build-arg")):
        assert f"ARG {name}=" in text
        assert (ROOT / "requirements" / f"{value}.txt").exists()


@pytest.mark.parametrize("command", RUNS)
def test_what_is_run_is_an_image_that_takes_these_settings_and_arguments(command):
    words = shlex.split(command)
    (at,) = (index for index, word in enumerate(words) if word.startswith("plumbline-"))
    options, image, arguments = words[:at], words[at], words[at + 1 :]

    assert f"-t {image} " in "\n".join(BUILDS)
    assert {"--read-only", "--cap-drop"} <= set(options)
    for variable in values(options, "-e"):
        assert variable.partition("=")[0].lower() in Settings.__dataclass_fields__
    if arguments and "--entrypoint" not in options:
        name, *rest = arguments
        shown = main.get_command(click.Context(main), name)
        assert shown is not None
        shown.make_context(name, rest)


def test_the_documents_commands_are_all_of_these():
    assert len(BUILDS) == 5
    assert len(RUNS) == 4


def test_the_base_is_one_python_by_its_exact_version():
    bases = {base for file in DOCKERFILES for base in re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", file.read_text(), re.M)}

    (base,) = bases
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm", base)
    assert base in (ROOT / "docs" / "images.md").read_text()
    for file in DOCKERFILES:
        sources = re.findall(r"^FROM (\S+)", file.read_text(), re.M)
        assert set(sources) <= {"${PYTHON_IMAGE}", "runtime", "serve"}
