"""Writes the parts of docs/reliability.md from results: `python -m tests.reliability.report FILE`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import machine, replace_part
from benchmarks.results import Record, of_kind, read_results

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
_COLUMNS = "test|load|fault|sent|refused|lost|wrong|slowest refusal|recovery"


def faults(records: Sequence[Record]) -> str:
    """Return the machine, the table of faults, and what could not be tried there."""
    rows = [_row(record) for record in of_kind([*records], "fault")]
    head = [f"| {' | '.join(_COLUMNS.split('|'))} |", "|---|---|---|" + "--:|" * 6]
    skipped = [f"- {record['test']}: {record['reason']}" for record in of_kind([*records], "skipped")]
    parts = [machine([*records]), "\n".join([*head, *rows])]
    return "\n\n".join([*parts, "Not tried:", "\n".join(skipped)] if skipped else parts)


def _row(record: Record) -> str:
    counts = [f"{record[name]:,}" for name in ("sent", "refused", "lost", "wrong")]
    slowest = f"{record['slowest_refusal']:.2f} s" if record["refused"] else "none"
    cells = [record["test"], record["load"], record["fault"], *counts, slowest, f"{record['recovery']:.1f} s"]
    return f"| {' | '.join(cells)} |"


def main(path: str) -> None:
    """Rewrite the part of the document that the results are about."""
    records = read_results(Path(path))
    if any(of_kind(records, "soak")):
        from tests.reliability.soak_report import soak  # brings matplotlib

        part, content = "soak", soak(records, DOCUMENT.parent / "img")
    else:
        part, content = "faults", faults(records)
    DOCUMENT.write_text(replace_part(DOCUMENT.read_text(), part, content))


if __name__ == "__main__":
    main(sys.argv[1])
