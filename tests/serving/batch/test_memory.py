"""Six hundred thousand rows take as much memory as fifty thousand, and under a fixed limit."""

import json
import subprocess
import sys
from pathlib import Path

from tests.serving.batch.memory import LIMIT_BYTES

ROOT = Path(__file__).parents[3]
MIB = 1024 * 1024


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    few, many = (_peak(tmp_path, rows) for rows in (50_000, 600_000))
    assert many < few + 6 * MIB  # 11 bytes a row; runs of the same length differ by less than 1 MiB
    assert many < LIMIT_BYTES


def _peak(folder: Path, rows: int) -> int:
    """Score *rows* rows in a process of its own; gives the most memory that it held, in bytes."""
    command = [sys.executable, "-m", "tests.serving.batch.memory", str(folder), str(rows)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    summary = json.loads(told.stdout)
    assert (summary["rows"], summary["rejected"]) == (rows - rows // 1000, rows // 1000)
    with (folder / f"{rows}.csv").open("rb") as file:
        assert sum(piece.count(b"\n") for piece in iter(lambda: file.read(MIB), b"")) == rows - rows // 1000 + 1
    return int(summary["peak_bytes"])
