"""Every example, on a small part of its data: trained, published, served by all three protocols, scored, compared."""

import contextlib
import importlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from serving.commands.drift import drift
from serving.commands.score import score
from serving.contract import Contract
from serving.gateway.app import close_app, create_app
from serving.gateway.protocols.named_tensors import input_tensors, output_columns
from serving.gateway.settings import Settings
from serving.process.exit_codes import ExitCode
from tests.serving.fake_model_server import wait_until
from training.data.datasets import Instance, as_json
from training.jobs.training_job import Job, run
from training.task import Task, find_task, task_names
from training.validation import HoldOut, KFold

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = task_names("examples")
PAGE = (ROOT / "docs" / "examples.md").read_text()
ROWS = 12


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_trained_served_scored_and_watched(name: str, tmp_path: Path) -> None:
    task = find_task(name, "examples")
    best = [*task.recipes][-1]  # the others are validated beside it
    strategy = HoldOut(0.25) if isinstance(task.protocol, KFold) else None  # trains once, not once a fold
    small = Job(name, task, best, tmp_path, None, True, 1, print, protocol=strategy, tasks="examples")
    published = run(small)
    assert published is not None
    contract = Contract.from_json((published / "assets.extra" / "contract.json").read_bytes())
    data = small.load()
    instances = [as_json(each) for part in (data.train, data.test) for each in part.instances[:ROWS]]
    with gateway(tmp_path, name) as client:
        answers = client.post(f"/predict/{name}", json={"instances": instances}).get_json()["predictions"]
        check_protocols(client, contract, instances, answers)
    scored = check_scoring(tmp_path, name, instances, answers)
    check_drift(published, name, scored, contract)


@contextlib.contextmanager
def gateway(models_dir: Path, name: str) -> Iterator[FlaskClient]:
    app = create_app(Settings(models_dir=models_dir, models=(name,), refresh_seconds=0.2))
    client = app.test_client()
    wait_until(lambda: client.get("/readyz").status_code == 200)
    yield client
    close_app(app)


def check_protocols(client: FlaskClient, contract: Contract, instances: list[Instance], answers: list[Any]) -> None:
    path = f"/models/{contract.model}"
    columns = output_columns(contract.answers, answers)
    rows = client.post(f"/v1{path}:predict", json={"instances": instances}).get_json()["predictions"]
    wanted = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert same(rows, wanted if len(columns) > 1 else next(iter(columns.values())))

    whole = [row for row, each in enumerate(instances) if "null" not in json.dumps([*each.values()])]
    tensors = [tensor(info, [instances[row][info.name] for row in whole], contract) for info in input_tensors(contract)]
    reply = client.post(f"/v2{path}/infer", json={"inputs": tensors})
    assert reply.status_code == 200, reply.get_json()
    for output in reply.get_json()["outputs"]:
        of_rows = [columns[output["name"]][row] for row in whole]
        assert same(np.ravel(output["data"]).tolist(), np.ravel(of_rows).tolist()), output["name"]


def tensor(info: Any, values: list[Any], contract: Contract) -> dict[str, Any]:
    encoder = contract.record.fields[info.name]
    if encoder.value_shape is None:
        values = [json.dumps(value) for value in values]
    shape = [len(values), *(encoder.value_shape or (1,))] if len(info.shape) > 1 else [len(values)]
    return {"name": info.name, "datatype": info.datatype, "shape": shape, "data": np.ravel(values).tolist()}


def check_scoring(models_dir: Path, name: str, instances: list[Instance], answers: list[Any]) -> Path:
    path, output = models_dir / "rows.jsonl", models_dir / "scored.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in instances), "utf-8")
    options = ["--in-process", "--models-dir", str(models_dir), "--output", str(output)]
    fields = [option for field in instances[0] for option in ("--keep", field)]
    command(score, str(path), "--model", name, *options, *fields)
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert len(rows) == len(instances)
    if isinstance(next(iter(answers[0].values())), dict) and len(answers[0]) > 1:  # several heads
        answers = [{f"{head}_{key}": it for head, own in row.items() for key, it in own.items()} for row in answers]
    assert same([{key: row[key] for key in answers[0]} for row in rows], answers)
    return output


def check_drift(published: Path, name: str, scored: Path, contract: Contract) -> None:
    told = command(drift, str(scored), "--model", name, "--saved-model", str(published), "--json")
    assert contract.reference is not None
    features = {feature["feature"] for feature in json.loads(told.stdout)["features"]}
    assert features == {feature.name for feature in contract.reference.features}


def command(run_command: Any, *arguments: str) -> Result:
    result = CliRunner().invoke(run_command, arguments, catch_exceptions=False)
    assert result.exit_code in (0, ExitCode.DRIFTED), result.output
    return result


def same(one: Any, other: Any) -> bool:
    """Whether two answers agree, but for the last digits: batches of another size are added up in another order."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-4) if isinstance(one, float) else bool(one == other)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_baseline_is_measured_on_the_same_rows(name: str) -> None:
    task: Task = find_task(name, "examples")
    measured = importlib.import_module(f"examples.{name}").baseline(task.load_sample())
    figures = [*measured.values()] if isinstance(measured, dict) else [measured]

    assert len(figures) == len(task.questions)
    for figure, question in zip(figures, task.questions.values(), strict=True):
        assert math.isfinite(figure)
        assert figure > 0
        assert figure <= 1 or not question.problem.higher_is_better


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_lists_every_example_and_its_file_says_how_to_run_it(name: str) -> None:
    text = (ROOT / "examples" / f"{name}.py").read_text()

    assert f"plumbline train {name} --tasks examples\n    python -m examples.{name} " in text
    assert f"| [{name}](../examples/{name}.py) |" in PAGE
    assert len(text.splitlines()) <= 100


def test_the_page_lists_no_other() -> None:
    assert PAGE.count("](../examples/") == len(EXAMPLES)
