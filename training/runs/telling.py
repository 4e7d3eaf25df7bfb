"""One run in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from training.report.tables import flattened
from training.report.words import duration, figure_of, metric_name, moment
from training.runs.listing import validated
from training.runs.rows_file import FILE as ROWS
from training.runs.run import Run


def told(run: Run) -> str:
    """Return everything that is worth telling, a fact a line."""
    facts = [(name, value) for name, value in _facts(run) if value]
    width = max(len(name) for name, _ in facts)
    return "\n".join([f"{run.model} {run.name}", *(f"  {name:<{width}}  {value}" for name, value in facts)])


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    document, test = run.document, run.document["test"]
    yield "ended", moment(run.ended)
    yield "outcome", ("published as " if run.version else "") + run.outcome + (f": {run.why}" if run.why else "")
    yield "gate", "" if run.why else str(document["gate"])
    yield (
        "problem",
        f"{metric_name(run.problem)}, measured by {metric_name(run.metric)}, "
        + ("higher is better" if run.higher_is_better else "lower is better"),
    )
    yield "test", f"{_measures(test)} on {run.rows:,} rows" + (f"; numbers in {run.unit}" if run.unit else "")
    for head, of_head in document["heads"].items():
        yield f"head {head}", _measures(of_head["test"])
    protocol = document["validation"]["protocol"]
    over = f" over {run.folds} folds" if run.folds > 1 else ""
    yield "validation", f"{validated(run)}{over}, {protocol['name']}{_in_brackets(protocol)}"
    yield "beside it", _listed({name: figure_of(value) for name, value in document["baselines"].items()})
    yield "recipe", f"{run.recipe}, seed {run.seed}"
    yield "settings", _listed(flattened(document["recipe"]["settings"]))
    rows = document["data"]["train_rows"]
    sample = " (the built-in sample)" if document["data"]["sample"] else ""
    yield "data", f"{run.data}{sample}, {rows:,} training rows, sha256 {run.data_sha256}"
    yield "code", _listed({name: _short(value) for name, value in code_of(run).items()})
    yield "packages", _listed(document["versions"])
    yield "took", _listed({stage: duration(seconds) for stage, seconds in document["seconds"].items()})
    yield "lite form", str(document.get("lite") or "").removeprefix("lite form, ")
    for note in document["notes"]:
        yield "note", str(note)
    page = run.folder / "report.html"
    yield "report", str(page) if page.exists() else "not written: its job did not finish it"
    kept = (run.folder / ROWS).exists()
    yield "rows", str(run.folder / ROWS) if kept else run.without_rows


def code_of(run: Run) -> Mapping[str, Any]:
    """Return what is known of the run's code: its fingerprint and commits."""
    return {name: value for name, value in (run.document.get("code") or {}).items() if value is not None}


def _short(value: Any) -> str:
    return value[:12] if isinstance(value, str) else "yes" if value else "no"


def _in_brackets(protocol: Mapping[str, Any]) -> str:
    settings = {name: value for name, value in protocol.items() if name != "name"}
    return f" ({_listed(settings)})" if settings else ""


def _measures(test: Any) -> str:
    return ", ".join(f"{metric_name(name)} {figure_of(value)}" for name, value in test.items() if name != "rows")


def _listed(facts: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())
