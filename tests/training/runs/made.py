"""Runs that are made by hand, as a job would have left them."""

import json
from datetime import UTC, datetime
from pathlib import Path

from training.experiments.record import RunRecord
from training.report.metrics_json import metrics, plain
from training.report.outcome import Outcome
from training.report.results import evaluate
from training.runs.rows_file import write_rows


def make_run(reports: Path, record: RunRecord, name: str, version: int | None = None, rows: bool = True) -> Path:
    """Leave a run of *record* called *name* in *reports*."""
    folder = reports / record.model / name
    folder.mkdir(parents=True)
    ended = datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    others = {head: (other, evaluate(other)) for head, other in record.others.items()}
    document = metrics(record, evaluate(record), others, Outcome(started=ended, ended=ended, version=version))
    (folder / "metrics.json").write_text(json.dumps(plain(document)), "utf-8")
    if rows:
        write_rows(record, folder)
    return folder


def make_older(reports: Path, record: RunRecord, name: str) -> Path:
    """Leave a run as it was before runs could be compared."""
    folder = make_run(reports, record, name, rows=False)
    path = folder / "metrics.json"
    document = json.loads(path.read_text("utf-8"))
    del document["outcome"], document["code"]
    path.write_text(json.dumps(document), "utf-8")
    return folder
