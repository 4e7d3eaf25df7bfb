"""The summary of a run, for people and, as JSON, for programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from serving.batch.inputs.folders import in_words
from serving.batch.jobs.manifest import Manifest
from serving.batch.jobs.parts import rejects_path
from serving.batch.jobs.row_counts import Statistics
from serving.batch.readers.column_check import listed
from serving.contract.reference import Reference
from serving.monitoring.drift import Verdict, Window, report

_LABELS_SHOWN = 10
_MOVED = (Verdict.WATCH, Verdict.DRIFT)
_MOVED_SHOWN = 5


def summarise(
    output: str, manifest: Manifest, whole: Statistics, rows_now: int, seconds: float, calls: Sequence[float]
) -> dict[str, Any]:
    """Return the summary: *whole* counts all rows; *rows_now* took *seconds*, the rest was done before."""
    summary: dict[str, Any] = {
        "model": manifest.model,
        "version": manifest.version,
        "engine": manifest.engine,
        "contract": manifest.contract,
        "output": output,
        "rejects": rejects_path(output),
        "rows": whole.rows,
        "rejected": whole.rejected,
        "seconds": round(seconds, 3),
        "rows_now": rows_now,
        "rows_per_second": round(rows_now / seconds, 1) if seconds > 0 else 0.0,
        "call_milliseconds": _percentiles(calls),
    }
    if manifest.passed_over:
        summary["passed_over"] = dict(manifest.passed_over)
    if whole.labels:
        summary["labels"] = dict(sorted(whole.labels.items(), key=lambda item: (-item[1], item[0])))
    if whole.least is not None and whole.rows:
        summary["values"] = {"mean": whole.total / whole.rows, "min": whole.least, "max": whole.largest}
    if manifest.reference is not None and whole.window is not None:
        summary["drift"] = _drift(Reference.from_json(manifest.reference), whole)
    return summary


def as_text(summary: Mapping[str, Any]) -> str:
    """Return the summary as text for a person."""
    scored, rejected = summary["rows"], summary["rejected"]
    lines = [
        f"{summary['model']} version {summary['version']}, contract {summary['contract'][:16]}, by {summary['engine']}",
        f"  rows       {scored:,} scored, {rejected:,} rejected" + (f": {summary['rejects']}" if rejected else ""),
    ]
    lines += passed_over_lines(summary)
    labels = list(summary.get("labels", {}).items())
    lines += [
        f"  {'labels' if not index else '':10} {count:>9,}  {count / scored:6.1%}  {label}"
        for index, (label, count) in enumerate(labels[:_LABELS_SHOWN])
    ]
    if len(labels) > _LABELS_SHOWN:
        lines.append(f"  {'':10} and {len(labels) - _LABELS_SHOWN} more labels")
    if "values" in summary:
        values = summary["values"]
        lines.append(f"  values     mean {values['mean']:.4g}, {values['min']:.4g} to {values['max']:.4g}")
    if read_as := summary.get("read_as"):
        lines.append(f"  read as    {read_as}")
    if unused := summary.get("unused_columns"):
        lines.append(f"  unused     {listed(unused)}: no field takes them")
    lines += _drift_lines(summary.get("drift", []))
    if now := summary["rows_now"]:
        lines.append(
            f"  time       {summary['seconds']:,.1f} s for {now:,} rows: {summary['rows_per_second']:,.0f} rows/s"
        )
    if calls := summary["call_milliseconds"]:
        lines.append("  calls      " + ", ".join(f"{name} {value:.1f} ms" for name, value in calls.items()))
    if "shard" in summary:
        lines.append(f"  shard      {summary['shard']}; next: plumbline score --merge --output {summary['output']}")
    else:
        lines.append(f"  output     {summary['output']}")
    return "\n".join(lines)


def passed_over_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return the line that counts the files passed over, if any."""
    counts = summary.get("passed_over", {})
    return [f"  files      {sum(counts.values()):,} passed over: {in_words(counts)}"] if counts else []


def _drift(reference: Reference, whole: Statistics) -> list[dict[str, Any]]:
    """Compare all rows with the training data."""
    found = report(Window(reference, np.asarray(whole.window), whole.rows))
    return [{**asdict(feature), "verdict": str(feature.verdict)} for feature in found]


def _drift_lines(drift: Sequence[Mapping[str, Any]]) -> list[str]:
    if not drift:
        return []
    verdicts = Counter(feature["verdict"] for feature in drift)
    lines = ["  drift      " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())]
    moved = sorted((it for it in drift if it["verdict"] in _MOVED), key=lambda feature: -feature["psi"])
    return lines + [f"  {'':10} {it['verdict']}: {it['feature']}, PSI {it['psi']:.3f}" for it in moved[:_MOVED_SHOWN]]


def _percentiles(calls: Sequence[float]) -> dict[str, float]:
    if not calls:
        return {}
    values = np.percentile(calls, (50, 95, 99)) * 1000
    return {f"p{percent}": round(float(value), 3) for percent, value in zip((50, 95, 99), values, strict=True)}
