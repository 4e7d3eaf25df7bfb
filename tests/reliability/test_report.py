"""The table in docs/reliability.md is what the suite measured, and of tests that there are."""

import ast
import re
from pathlib import Path

from tests.reliability.report import DOCUMENT, faults
from tests.reliability.soak_report import soak

MACHINE = dict.fromkeys("date revision cores processor memory_gb system python tensorflow load_average".split(), "x")
FAULT = {
    "kind": "fault",
    "test": "a killed worker costs little",
    "load": "8 callers",
    "fault": "SIGKILL",
    "sent": 12345,
    "refused": 2,
    "lost": 3,
    "wrong": 0,
    "slowest_refusal": 0.123,
    "recovery": 1.26,
}


def test_a_row_has_what_was_counted_and_what_was_not_tried_has_its_reason() -> None:
    skipped = {"kind": "skipped", "test": "a full disk is survived", "reason": "mount is not allowed"}
    told = faults([{"kind": "machine", "command": "make reliability", **MACHINE}, FAULT, skipped])

    assert "| a killed worker costs little | 8 callers | SIGKILL | 12,345 | 2 | 3 | 0 | 0.12 s | 1.3 s |" in told
    assert told.endswith("Not tried:\n\n- a full disk is survived: mount is not allowed")


def test_a_soak_is_told_with_what_grew(tmp_path: Path) -> None:
    sample = {"kind": "soak", "descriptors": 54, "threads": 30, "metric_files": 10, "p99_ms": 20.0, "right": 1000}
    sample |= {"kills": 1, "versions": 2, "refused": 0, "lost": 1, "wrong": 0}
    samples = [{**sample, "seconds": 36.0 * number, "memory_mb": 100.0 + number} for number in range(1, 11)]
    told = soak(
        [{"kind": "machine", "command": "make soak", **MACHINE}, {"kind": "peak", "per_second": 99}, *samples], tmp_path
    )

    assert "6 minutes at 70 % of 99 answers a second, 1 workers killed, 2 new versions: 10,000 right" in told
    assert "| own memory, MB | 102 | 110 | +100.0 |" in told
    assert (tmp_path / "reliability-soak.png").stat().st_size > 1000


def test_each_row_of_the_document_is_named_like_a_test() -> None:
    trees = [ast.parse(path.read_text()) for path in Path(__file__).parent.glob("test_*.py")]
    tests = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    rows = re.findall(
        r"^\| ([^|]+) \|", DOCUMENT.read_text().partition("<!-- faults -->")[2].partition("<!-- end")[0], re.M
    )

    assert len(rows) > 10
    assert {f"test_{row.replace(' ', '_')}" for row in rows if row != "test"} <= tests
