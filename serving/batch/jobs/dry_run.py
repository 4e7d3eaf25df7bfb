"""`--dry-run`: the first rows, all the way to their answers, and nothing written."""

import json
from contextlib import closing
from itertools import islice
from typing import Any

from serving.batch.formats import open_source
from serving.batch.jobs.chunks import Scorer, Stopping
from serving.batch.jobs.scoring_job import Prepared
from serving.batch.jobs.summary import passed_over_lines
from serving.batch.readers.column_check import listed
from serving.batch.rows import Rows
from serving.catalog import ModelServer

ROWS = 100
_SHOWN = 3


def dry_run(prepared: Prepared, server: ModelServer, stopping: Stopping) -> dict[str, Any]:
    """Score the first rows of the first source; raises BatchError."""
    job = prepared.job
    source = prepared.inputs.sources[0] if prepared.inputs.sources else None
    rows, unused = Rows(), tuple[str, ...]()
    if source:
        opened = open_source(source, prepared.columns)
        unused = opened.unused
        with closing(opened.records) as records:
            rows = opened.reader.read(records.take(min(job.limit or ROWS, ROWS)), 1)
    scorer = Scorer(server, prepared.pinned, prepared.writer, stopping)
    prediction = scorer.predict(rows.instances)
    reasons = [f"row {number}: {reason}" for number, reason in rows.rejects]
    reasons += [f"row {rows.numbers[index]}: {error}" for index, error in prediction.rejected.items()]
    right = (row_id for index, row_id in enumerate(rows.ids) if index not in prediction.rejected)
    return {
        "model": job.model,
        "version": prepared.live.version,
        "contract": prepared.manifest.contract,
        "inputs": len(prepared.inputs.fingerprints),
        "bytes": prepared.inputs.size,
        "columns": list(prepared.writer.columns),
        "unused_columns": list(unused),
        "passed_over": dict(prepared.manifest.passed_over),
        "rows_tried": len(rows.ids) + len(rows.rejects),
        "rejected": len(reasons),
        "reasons": reasons[:_SHOWN],
        "answers": [
            {"row_id": row_id, **answer}
            for row_id, answer in islice(zip(right, prediction.answers, strict=True), _SHOWN)
        ],
    }


def as_text(told: dict[str, Any]) -> str:
    """Lay out what `dry_run` gave."""
    lines = [
        f"{told['model']} version {told['version']}, contract {told['contract'][:16]}; nothing was written",
        f"  inputs     {told['inputs']:,} ({told['bytes']:,} bytes)",
        f"  columns    {', '.join(told['columns'])}",
        f"  tried      {told['rows_tried']:,} rows, {told['rejected']:,} rejected",
    ]
    if unused := told["unused_columns"]:
        lines.append(f"  unused     {listed(unused)}: no field takes them")
    lines[2:2] = passed_over_lines(told)
    lines += [f"  rejected   {reason}" for reason in told["reasons"]]
    lines += [f"  answer     {json.dumps(answer, ensure_ascii=False)}" for answer in told["answers"]]
    return "\n".join(lines)
