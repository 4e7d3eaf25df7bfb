"""What callers get while a disk is full: that of the metrics, of the models, of temporary files, of what is written."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.conftest import Record
from tests.reliability.load import CALLERS, Figures
from tests.reliability.servers import WORKERS, Gateway, in_process, stopped_at_the_end
from tests.reliability.versions import MODEL, ModelsFolder, Shelf, Truth
from tests.serving.small_disk import fill, small_disk
from tests.stack import PLUMBLINE

LOAD = "8 callers, gateway that computes the models"
ROWS = 4000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "4m") as disk:
        yield disk


@pytest.mark.whole_suite
@pytest.mark.parametrize("variable", ["PROMETHEUS_MULTIPROC_DIR", "TMPDIR"])
def test_a_full_disk_of_metrics_or_temporary_files_costs_no_answer(
    models: ModelsFolder, disk: Path, tmp_path: Path, seconds: float, record: Record, variable: str
) -> None:
    gateway = Gateway(models, tmp_path / "gateway.log", *in_process(models), variables={variable: str(disk)})
    with stopped_at_the_end(gateway):
        gateway.wait_until_ready()
        with gateway.load() as load:
            load.wait_for("right")
            filler = fill(disk)
            load.go_on(seconds)
            before = gateway.workers
            os.kill(before[-1], signal.SIGKILL)  # the next one starts on a full disk
            gateway.stack.wait_until(lambda: len({*gateway.workers} - {*before}) == 1)
            models.publish()
            gateway.wait_until_ready()
            filler.unlink()
            figures = load.recovered(time.monotonic())
        workers = gateway.workers

    fault = f"disk of {variable} full, a worker killed meanwhile, a new version"
    record(LOAD, fault, figures, lost=CALLERS, told=load.told())
    assert figures.refused == 0, load.told()
    assert len(workers) == WORKERS


@pytest.mark.whole_suite
def test_a_version_that_has_no_room_is_not_published_and_changes_nothing(
    shelf: Shelf, disk: Path, tmp_path: Path, seconds: float, record: Record
) -> None:
    models = ModelsFolder(disk / "models", shelf, Truth())
    models.publish()
    gateway = Gateway(models, tmp_path / "gateway.log", *in_process(models))
    with stopped_at_the_end(gateway):
        gateway.wait_until_ready()
        with gateway.load() as load:
            load.wait_for("right")
            filler = fill(disk)
            with pytest.raises(OSError, match="No space left"):
                models.publish()
            load.go_on(seconds)
            filler.unlink()
            ended = time.monotonic()
            models.publish()
            gateway.wait_until_ready(2)
            figures = load.recovered(ended)

    record(LOAD, "disk of the models full while a version is published; again when it is free", figures)
    assert figures.refused == 0, load.told()
    assert {path.name for path in (models.path / MODEL).glob("[0-9]*")} == {"1", "2"}


@pytest.mark.whole_suite
def test_scoring_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    models: ModelsFolder, disk: Path, tmp_path: Path, record: Record
) -> None:
    questions = [models.truth.questions[number % len(models.truth.questions)] for number in range(ROWS)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(each) + "\n" for each in questions))
    output = disk / "answers.jsonl"
    command = [*PLUMBLINE, "score", str(tmp_path / "rows.jsonl"), "--model", MODEL, "--output", str(output)]
    command += ["--in-process", "--models-dir", str(models.path), "--part-rows", "500"]
    filler = fill(disk)
    full = subprocess.run(command, capture_output=True, text=True)
    filler.unlink()
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in output.read_text().splitlines()]
    wrong = sum(
        bool(models.truth.problem(question, {"version": 1, "predictions": [answer]}))
        for question, answer in zip(questions, answers, strict=False)
    )

    figures = Figures(ROWS, 0, ROWS - len(answers), wrong, 0.0, 0.0)
    record(f"plumbline score, {ROWS} rows", "disk of the answers full; then free, and run again", figures)
    assert full.returncode not in (0, -signal.SIGBUS), full.stderr
    assert "No space left on device" in full.stderr
    assert "Traceback" not in full.stderr
