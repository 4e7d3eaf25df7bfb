"""`--dry-run`: scores the first rows and writes nothing."""

import json
from contextlib import closing
from dataclasses import replace
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
    """Score the first rows of the first source, and return a summary; raises BatchError."""
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
    reasons += [
        f"row {rows.numbers[index]}: {'; '.join(map(str, faults))}" for index, faults in prediction.rejected.items()
    ]
    right = [index for index in range(len(rows.ids)) if index not in prediction.rejected][:_SHOWN]
    shown = replace(prediction, answers=prediction.answers[:_SHOWN])
    answers = scorer.flat(shown, [rows.instances[index] for index in right])
    return {
        "model": job.model,
        "version": prepared.live.version,
        "contract": prepared.manifest.contract,
        "inputs": len(prepared.inputs.fingerprints),
        "bytes": prepared.inputs.size,
        "columns": list(prepared.writer.columns),
        "read_as": prepared.columns.told,
        "unused_columns": list(unused),
        "passed_over": dict(prepared.manifest.passed_over),
        "rows_tried": len(rows.ids) + len(rows.rejects),
        "rejected": len(reasons),
        "explain_budget": prepared.pinned.explain_budget,
        "reasons": reasons[:_SHOWN],
        "answers": [{"row_id": rows.ids[index], **answer} for index, answer in zip(right, answers, strict=True)],
    }


def as_text(tried: dict[str, Any]) -> str:
    """Return the summary of `dry_run` as text for a person."""
    lines = [
        f"{tried['model']} version {tried['version']}, contract {tried['contract'][:16]}; nothing was written",
        f"  inputs     {tried['inputs']:,} ({tried['bytes']:,} bytes)",
        f"  columns    {', '.join(tried['columns'])}",
        f"  tried      {tried['rows_tried']:,} rows, {tried['rejected']:,} rejected",
    ]
    if read_as := tried["read_as"]:
        lines.append(f"  read as    {read_as}")
    if budget := tried["explain_budget"]:
        lines.append(f"  reasons    up to {budget:,} more answers a row (--explain-budget)")
    if unused := tried["unused_columns"]:
        lines.append(f"  unused     {listed(unused)}: no field takes them")
    lines[2:2] = passed_over_lines(tried)
    lines += [f"  rejected   {reason}" for reason in tried["reasons"]]
    lines += [f"  answer     {json.dumps(answer, ensure_ascii=False)}" for answer in tried["answers"]]
    return "\n".join(lines)
