import csv
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from serving.batch.jobs.scoring_job import Job, start
from serving.batch.jobs.scoring_job import score as do_job
from serving.commands.score import score
from serving.contract import Contract
from tests.serving.batch.instant import InstantServer
from tests.serving.contracts import tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer

WORDS = "a good film bad very".split()


def texts(count: int) -> list[str]:
    """Texts, all of which have other scores."""
    return [" ".join(WORDS[(number >> shift) % 5] for shift in range(0, 12, 2)) for number in range(count)]


def houses(count: int) -> list[dict[str, Any]]:
    return [{"rooms": 3 + number % 7 / 2, "age": float(number % 90)} for number in range(count)]


def write_csv(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def done(folder: Path, contract: Contract, inputs: list[Path], output: str, **options: Any) -> dict[str, Any]:
    """Do a job with a server that answers at once; gives its summary."""
    job = Job(tuple(map(str, inputs)), contract.model, str(folder / output), **options)
    server = InstantServer(contract)
    return do_job(start(job, server), server, lambda: server, threading.Event())


class Command:
    """`plumbline score` against a model server on a real socket, in this process."""

    def __init__(self, server: FakeModelServer, folder: Path) -> None:
        self.server = server
        self.folder = folder

    def __call__(self, *arguments: object, model: str = "sentiment", stdin: bytes | None = None) -> Result:
        command = [*map(str, arguments)]
        if "--merge" not in command:
            command += ["--model", model, "--model-server", self.server.address]
        return CliRunner().invoke(score, command, input=stdin)


@pytest.fixture
def command(model_server: FakeModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    model_server.publish(text_contract())
    model_server.publish(tabular_contract())
    return Command(model_server, tmp_path)
