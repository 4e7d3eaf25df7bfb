"""Writes the report of a run to a folder."""

import json
from pathlib import Path

from training.experiments.record import RunRecord
from training.insight.insight import NOTHING, Insight
from training.report.html import render
from training.report.metrics_json import metrics, plain
from training.report.outcome import Outcome
from training.report.plots import plots
from training.report.results import evaluate


def write_report(record: RunRecord, folder: Path, outcome: Outcome | None = None, insight: Insight = NOTHING) -> Path:
    """Write the report to *folder*, over an older one. Return the path of its page.

    `report.html` needs no other file. The folder also has its figures as SVG, `metrics.json` for programs (see
    `metrics`), and `tensorboard/`, for `tensorboard --logdir`.
    """
    from training.report.tensorboard import write_logs  # imports TensorFlow, which takes seconds

    folder.mkdir(parents=True, exist_ok=True)
    page = write_page(record, folder, outcome, insight)
    write_logs(record, folder / "tensorboard")
    return page


def write_page(record: RunRecord, folder: Path, outcome: Outcome | None = None, insight: Insight = NOTHING) -> Path:
    """Write everything but the TensorBoard logs to *folder*, which must exist. Return the path of the page."""
    evaluation = evaluate(record)
    others = {head: (other, evaluate(other)) for head, other in record.others.items()}
    drawn = list(plots(record, evaluation, others))
    for plot in drawn:
        (folder / f"{plot.name}.svg").write_bytes(plot.svg)
    document = json.dumps(
        plain(metrics(record, evaluation, others, outcome, insight)), indent=2, ensure_ascii=False, allow_nan=False
    )
    (folder / "metrics.json").write_text(document + "\n", "utf-8")
    page = folder / "report.html"
    page.write_text(render(record, evaluation, drawn, others, outcome, insight), "utf-8")
    return page
