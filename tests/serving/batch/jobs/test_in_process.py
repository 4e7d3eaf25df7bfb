"""The SavedModel loaded in this process answers as it does behind a server."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from serving.commands.score import score
from serving.process.exit_codes import ExitCode
from tests.serving.batch.conftest import read_jsonl, write_jsonl


@pytest.mark.parametrize(("model", "processes"), [("sentiment", 1), ("sentiment", 2), ("house_price", 1)])
def test_rows_have_the_scores_that_training_computed(
    trained, published: Path, tmp_path: Path, model: str, processes: int
) -> None:
    contract = trained[model].contract
    write_jsonl(tmp_path / "in.jsonl", [dict(example.instance) for example in contract.examples])
    options = ["--model", model, "--output", str(tmp_path / "out.jsonl"), "--models-dir", str(published)]
    options += ["--processes", str(processes)]
    result = CliRunner().invoke(score, [str(tmp_path / "in.jsonl"), *options, "--in-process", "--json"])
    assert result.exit_code == 0, result.output
    expected = contract.answers.make({"scores": np.stack([example.outputs["scores"] for example in contract.examples])})
    for row, answer in zip(read_jsonl(tmp_path / "out.jsonl"), expected, strict=True):
        key = "score" if "score" in answer else "value"
        assert row[key] == pytest.approx(answer[key], abs=contract.tolerance)
    drift = json.loads(result.stdout)["drift"]
    assert {feature["verdict"] for feature in drift} == {"too few rows"}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_damaged_model_is_said_by_whoever_loads_it(published: Path, tmp_path: Path, processes: int) -> None:
    models = Path(shutil.copytree(published, tmp_path / "models"))
    (damaged,) = models.glob("sentiment/*/assets.extra/model.tflite")
    damaged.write_bytes(b"nothing")
    write_jsonl(tmp_path / "in.jsonl", [{"text": "good"}])
    command = [str(tmp_path / "in.jsonl"), "--model", "sentiment", "--output", str(tmp_path / "out.jsonl")]
    command += ["--in-process", "--models-dir", str(models), "--processes", str(processes)]
    result = CliRunner().invoke(score, command)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert result.output.count(str(damaged.parents[1])) == 1, result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--version", "9"], "has no version 9 of sentiment"),
        (["--label", "stable"], "no version is available on the model server under label 'stable'"),
        (["--models-dir", "none"], "there is no such folder"),
    ],
)
def test_what_is_not_there_is_said(published: Path, tmp_path: Path, options: list[str], said: str) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": "good"}])
    command = [str(tmp_path / "in.jsonl"), "--model", "sentiment", "--output", str(tmp_path / "out.jsonl")]
    result = CliRunner().invoke(score, [*command, "--in-process", "--models-dir", str(published), *options])
    assert (result.exit_code, said in result.output) == (2, True), result.output
