"""The jobs of docs/your-model.md, line by line, as they are written there."""

import contextlib
import csv
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from palmerpenguins import load_penguins

from serving.commands.main import main
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from tests.serving.fake_model_server import wait_until
from training.declarations import declaration

PAGE = (Path(__file__).parents[3] / "docs" / "your-model.md").read_text("utf-8")


def section(name: str) -> str:
    (text,) = re.findall(rf"^## {name}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    return text


def jobs(name: str) -> list[tuple[str, str]]:
    """Return the commands of a section, each with the output that is shown."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", section(name), re.M)


def make_data(name: str) -> None:
    """Run the Python of a section."""
    (code,) = re.findall(r"^```python\n(.*?)^```", section(name), re.M | re.S)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def run(command: str, *options: str) -> str:
    program, *words = shlex.split(command)
    assert program == "plumbline"
    done = CliRunner().invoke(main, [*words, *options])
    assert done.exit_code == 0, done.output
    return done.output


@contextlib.contextmanager
def serving(model: str) -> Iterator[FlaskClient]:
    """Serve a model of the folder as `plumbline up` does."""
    app = create_app(Settings(models_dir=Path("models"), models=(model,), refresh_seconds=0.05))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    yield client
    close_app(app)


def curl(client: FlaskClient, command: str) -> Any:
    """Ask as the *command* does, and return the answer to one instance."""
    _, _, url, *options = shlex.split(command)
    given = dict(zip(options[::2], options[1::2], strict=True))
    path = url.removeprefix("localhost:8000")
    if "-F" in given:
        field, _, file = given["-F"].partition("=@")
        with Path(file).open("rb") as opened:
            reply = client.post(path, data={field: (opened, file)})
    else:
        assert given["-H"] == "Content-Type: application/json"
        reply = client.post(path, json=json.loads(given["-d"]))
    assert reply.status_code == 200, reply.text
    (answer,) = reply.json["predictions"]
    return answer


def test_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_data("A table")
    (new, shown), (train, _), (score, _), (ask, _), (metrics, _) = jobs("A table")

    assert run(new) == shown
    run(train, "--set", "epochs=20", "--protocol", "holdout")
    run(score)
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        answers = [row["label"] for row in csv.DictReader(file)]
    assert len(answers) == 344
    assert np.mean(answers == load_penguins()["species"]) > 0.9
    assert metrics == "curl -s localhost:8000/metrics"
    with serving("penguins") as client:
        label = curl(client, ask)["label"]
        assert label == "Chinstrap"
        counted = 'plumbline_gateway_predictions_total{label="Chinstrap",model="penguins",version="1"} 1.0'
        assert counted in client.get("/metrics").text


def test_photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_data("Photos")
    (new, shown), (train, _), (ask, _) = jobs("Photos")

    assert run(new) == shown
    (changed,) = re.findall(r"```toml\n(.*?)```", section("Photos"), re.S)
    text = Path("shapes.toml").read_text("utf-8")
    head, rest = text[: text.index("[fields.image]")], text[text.index("[split]") : text.index("[recipe]")]
    Path("shapes.toml").write_text(head + rest + changed, "utf-8")
    run(train)
    with serving("shapes") as client:
        assert curl(client, ask)["label"] == "circle"


@pytest.mark.parametrize(
    ("name", "model", "told", "expected"),
    [
        ("Text in another language", "meals", '"text": text;', lambda answer: answer["label"] == "bad"),
        ("Two inputs", "flats", '"text": text;', lambda answer: 800 < answer["value"] < 980),
    ],
)
def test_texts(tmp_path, monkeypatch, name, model, told, expected):
    monkeypatch.chdir(tmp_path)
    make_data(name)
    (new, _), (train, _), (ask, _) = jobs(name)

    assert told in run(new)
    run(train, "--protocol", "holdout")
    with serving(model) as client:
        assert expected(curl(client, ask))


def test_a_series(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_data("A series")
    (new, shown), (train, _), (ask, _) = jobs("A series")

    assert run(new) == shown
    run(train, "--set", "epochs=24", "--set", "rate=0.005")
    with serving("co2") as client:
        assert 367 < curl(client, ask)["value"] < 374


@pytest.mark.parametrize("table", ["data", "target", "split", "protocol", "gate"])
def test_each_key_of_the_page_is_one_that_is_read(table):
    part = {name.lower().removesuffix("part"): of for name, of in vars(declaration).items() if name.endswith("Part")}
    hints = get_type_hints(part[table])
    (row,) = re.findall(rf"^\| `\[{table}\]` \| (.*) \|$", PAGE, re.M)
    assert set(hints) <= set(re.findall(r"`(\w+)`", row))
