"""docs/security.md: every attempt has tests that show what holds it, and these exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
ATTEMPTS = re.findall(r"^\| attempt \|.*\n\|---\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.M)
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_each_attempt_names_a_test():
    rows = [row for table in ATTEMPTS for row in table.splitlines()]

    assert len(ATTEMPTS) == 4
    assert len(rows) >= 20
    assert [row for row in rows if "`tests/" not in row] == []


def test_each_test_that_is_named_exists():
    missing = [
        f"{file}::{name}"
        for file, name in TESTS
        if not (ROOT / file).is_file() or f"def {name}(" not in (ROOT / file).read_text()
    ]

    assert len(TESTS) == PAGE.count("`tests/")
    assert missing == []


def test_readme_and_security_lead_to_it():
    for document in ("README.md", "SECURITY.md"):
        assert "(docs/security.md)" in (ROOT / document).read_text()
