"""Scores a file of many small rows, every thousandth of them bad, under a limit, and prints the summary as JSON."""

import json
import re
import resource
import sys
from pathlib import Path

from tests.serving.batch.conftest import done
from tests.serving.contracts import tabular_contract

LIMIT_BYTES = 160 * 1024 * 1024
"""Of the memory that the process holds. The packages that it imports take about half of it."""


def main(folder: Path, rows: int) -> None:
    with (folder / "in.csv").open("w") as file:
        file.write("rooms,age\n")
        for _ in range(rows // 1000):
            file.write("5.5,30\n" * 999 + "none,30\n")
    # Address space that is never touched counts as well here, so the limit is wider; what is held is measured.
    resource.setrlimit(resource.RLIMIT_DATA, (4 * LIMIT_BYTES, 4 * LIMIT_BYTES))
    summary = done(folder, tabular_contract(), [folder / "in.csv"], f"{rows}.csv")
    print(json.dumps({**summary, "peak_bytes": _peak()}))


def _peak() -> int:
    """Give the most memory that this program held, in bytes. `getrusage` counts what started it, too."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)[1]) * 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
