"""Killed before each of its changes to the disc in turn, and given again, a run ends with the same bytes.

A program of its own (`python -m`), as forking is safe only where no threads are. Ends with 0 if all is well.
"""

import os
import sys
from functools import partial
from pathlib import Path

from tests.serving.batch.conftest import done, houses, write_csv
from tests.serving.contracts import tabular_contract
from tests.serving.killing import killed

OPTIONS = {"part_rows": 4, "batch_rows": 2}


def main(folder: Path) -> None:
    os.fsync = lambda descriptor: None  # a process that is killed loses nothing that it wrote; this only saves time
    rows = [*houses(10), {"rooms": "none", "age": 1}]
    sources = [write_csv(folder / "in1.csv", rows), write_csv(folder / "in2.csv", houses(3))]
    for ending in ("jsonl.gz", "parquet"):
        _run(sources, folder, f"expected.{ending}")
        expected = _files(folder, f"expected.{ending}")
        changes = 0
        while killed(partial(_run, sources, folder, f"{changes}.{ending}"), changes):
            _run(sources, folder, f"{changes}.{ending}")
            assert _files(folder, f"{changes}.{ending}") == expected, f"killed before change {changes}"
            assert not (folder / f"{changes}.{ending}.parts").exists()
            changes += 1
        assert changes > 20, f"only {changes} changes"
        print(f"{ending}: killed before each of {changes} changes")


def _run(sources: list[Path], folder: Path, output: str) -> None:
    done(folder, tabular_contract(), sources, output, **OPTIONS)


def _files(folder: Path, output: str) -> list[bytes]:
    return [(folder / output).read_bytes(), (folder / f"{output}.rejects.jsonl").read_bytes()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
