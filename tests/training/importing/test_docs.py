"""The section on a colleague's model in docs/your-model.md: its commands, one after the other, do what is shown."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "your-model.md"
SECTION = re.findall(r"^## A colleague's .keras\n(.*?)(?=^## |\Z)", DOCUMENT.read_text(), re.M | re.S)[0]
STEPS = re.findall(r"^\$ (plumbline .*)\n((?:(?!\$ |```).*\n)*)", SECTION, re.M)
(ASK,) = re.findall(r"^\$ curl .* -d '(.*)'$", SECTION, re.M)


def block(language: str) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```", SECTION, re.M | re.S)[0]


def test_the_commands_do_what_is_shown(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(DOCUMENT.parents[1])}
    subprocess.run([sys.executable, "-c", block("python")], cwd=tmp_path, check=True)
    (tmp_path / "rows.jsonl").write_text(block("json"))
    (tmp_path / "asked.jsonl").write_text(f"{ASK}\n")

    assert len(STEPS) == 3
    asking = STEPS[-1][0].replace("rows.jsonl", "asked.jsonl").replace("answers.jsonl", "asked_answers.jsonl")
    for command, shown in [*STEPS, (asking, "")]:
        script = f'plumbline() {{ "{sys.executable}" -m serving "$@"; }}; {command}'
        done = subprocess.run(
            ["/bin/bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
        said = [
            line for line in done.stdout.splitlines(keepends=True) if "lite form" not in line
        ]  # by how much it is off
        assert "".join(said) == shown or not shown

    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert len(answers) == 3
    assert {answer["label"] for answer in answers} <= {"bad", "good"}
    assert len((tmp_path / "asked_answers.jsonl").read_text().splitlines()) == 1
