"""Every command of README and docs does what it says: those that ask are run, those that work for long are parsed."""

import base64
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from serving.commands.main import main
from tests.stack import PLUMBLINE

ROOT = Path(__file__).parent.parent
README, API = ROOT / "README.md", ROOT / "docs" / "api.md"
OPERATIONS = ROOT / "docs" / "operations.md"  # needs a gateway of its own: tests/serving/gateway/test_operations.py


def commands(*documents: Path) -> dict[str, str]:
    """Command -> the output that is shown for it."""
    texts = "\n".join(document.read_text() for document in documents)
    return dict(re.findall(r"^\$ (.*?)(?:  +#.*)?\n((?:(?!\$ |```).*\n)*)", texts, re.M))


BATCH = ROOT / "docs" / "batch.md"  # its commands follow each other: tests/serving/batch/test_docs.py runs them
YOUR_MODEL = ROOT / "docs" / "your-model.md"  # its requests: tests/training/declarations/test_docs.py sends them
COMMANDS = commands(README, *sorted(set((ROOT / "docs").glob("*.md")) - {OPERATIONS, BATCH, YOUR_MODEL}))
COMMANDS |= {command: shown for command, shown in commands(YOUR_MODEL).items() if not command.startswith("curl")}
RUN = [
    command for command in COMMANDS if command.startswith("curl") or command in ("plumbline models", "plumbline verify")
]
PARSED = [command for command in COMMANDS if command.startswith("plumbline") and command not in RUN]
MADE = [command for command in COMMANDS if command.startswith("make")]
CONTAINERS = [command for command in COMMANDS if command.startswith(("docker", "syft"))]  # tests/images/test_docs.py
KUBERNETES = [command for command in COMMANDS if command.startswith(("kubectl", "kind"))]  # tests/k8s/test_docs.py

EXAMPLES = [command for command in COMMANDS if command.startswith(("pip", "python -m examples"))]  # tests/examples


GENERATING = ("openapi-python-client", "npx")  # tests/serving/gateway/openapi/test_generated_clients.py
GENERATED = [command for command in COMMANDS if command.startswith(GENERATING)]


def test_each_command_is_one_that_a_test_below_takes():
    assert sorted(COMMANDS) == sorted(RUN + PARSED + MADE + CONTAINERS + KUBERNETES + EXAMPLES + GENERATED)
    assert len(RUN) >= 25


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's requests need curl")
@pytest.mark.parametrize("command", RUN)
def test_what_asks_gets_an_answer(command, stack, trained, tmp_path):
    photo = trained["image"].contract.examples[0].instance["image"]
    (tmp_path / "cat.jpg").write_bytes(base64.b64decode(photo))
    words = shlex.split(command.replace("localhost:8000", stack.url.removeprefix("http://")))
    if words[0] == "plumbline":
        words = [*PLUMBLINE, *words[1:], "--url", stack.url]

    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    shown = COMMANDS[command]
    if command.startswith("plumbline"):
        assert len(done.stdout.splitlines()) >= 5
    elif "..." in shown:
        assert done.stdout.startswith(shown[:9])
    else:
        assert shape(json.loads(done.stdout)) == shape(json.loads(shown))


def shape(value: object) -> object:
    """What of a JSON value is the same whatever data the model saw: names and types, not numbers and labels."""
    if isinstance(value, dict):
        return {name: "scores" if name == "scores" else shape(each) for name, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value)


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", API.read_text(), re.S))
def test_python_that_is_shown_runs(code, stack):
    code = code.replace("localhost:8000", stack.url.removeprefix("http://"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert re.match(r"\[b'\w+' b'\w+'\]", done.stdout)


@pytest.mark.parametrize("command", PARSED)
def test_what_works_for_long_has_the_options_it_is_shown_with(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, name, *arguments = shlex.split(command.replace("~/data", str(tmp_path)))
    for file in (word for word in arguments if word.endswith((".csv", ".jsonl", ".parquet", ".config"))):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).touch()
    for folder in (word for word in arguments if re.fullmatch(r"models/\w+/\d+", word)):
        Path(folder).mkdir(parents=True)
    shown = main.get_command(click.Context(main), name)
    if isinstance(shown, click.Group):
        name, *arguments = arguments
        shown = shown.get_command(click.Context(shown), name)

    assert shown is not None
    has_folder = any(option.name == "models_dir" for option in shown.params)
    shown.make_context(name, [*arguments, *(["--models-dir", str(tmp_path)] if has_folder else [])])


@pytest.mark.parametrize("command", MADE)
def test_what_is_made_has_a_target(command):
    target = command.split()[1]

    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


def test_the_layout_that_is_shown_is_there():
    shown = re.findall(r"^    ((?:proto|training|serving|k8s|tests)/\S*)  ", (ROOT / "README.md").read_text(), re.M)

    assert len(shown) >= 9
    assert [path for path in shown if not (ROOT / path).exists()] == []
